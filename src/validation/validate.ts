import type { z } from 'zod';
import { invalidRequest, type Violation } from '../errors';
import { memoized } from '../memoized';

/** More are not told. */
const MAX_VIOLATIONS = 20;

/** `addresses[0].city`, `metadata.<key>`: the path of a field as the proto names it. */
const protoPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');

/**
 * The normalised request, or INVALID_REQUEST with every fault at once. `together` finds what is wrong between fields,
 * whether or not each of them is right.
 */
export const validate = <Schema extends z.ZodType>(
  schema: Schema,
  request: z.input<Schema>,
  together: (request: z.input<Schema>) => readonly Violation[] = () => [],
): z.output<Schema> => {
  const result = schema.safeParse(request);
  const faults = result.success
    ? []
    : result.error.issues.map((issue) => ({ field: protoPath(issue.path), description: issue.message }));
  const violations = [...faults, ...together(request)];
  if (result.success && violations.length === 0) return result.data;
  throw invalidRequest(violations.slice(0, MAX_VIOLATIONS));
};

/** Builds a schema once for each setting it depends on: building one costs more than using it. */
export const schemaBy = memoized;
