/** What a number takes in a google.protobuf.Struct, where its JSON may have two bytes. */
const NUMBER = 11;
const TAG = 4;

/**
 * About how many bytes a message takes, on the wire or in memory; rather more than less. Cheap, so that what is
 * collected can be bounded by size without encoding it twice.
 */
export const weightOf = (value: unknown): number => {
  if (typeof value === 'string') return TAG + value.length * 3;
  if (typeof value !== 'object' || value === null) return NUMBER;
  let weight = TAG;
  if (Array.isArray(value)) for (const item of value) weight += weightOf(item);
  else for (const key in value) weight += TAG + key.length * 3 + weightOf((value as Record<string, unknown>)[key]);
  return weight;
};
