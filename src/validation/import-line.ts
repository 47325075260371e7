import { z } from 'zod';
import { ImportCustomersRequest } from '../gen/customer/v1/customer';
import { toTimestamp } from '../models/timestamp';
import { messageOf } from '../errors';

/** Only shapes: what the texts must be like is the service's to say. */
const address = z.strictObject({
  company: z.string().optional(),
  first_name: z.string().optional(),
  last_name: z.string().optional(),
  address_1: z.string().optional(),
  address_2: z.string().optional(),
  city: z.string().optional(),
  country_code: z.string().optional(),
  province: z.string().optional(),
  postal_code: z.string().optional(),
  phone: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});

const line = z.strictObject({
  customer: z.strictObject({
    email: z.string(),
    password: z.string().optional(),
    first_name: z.string().optional(),
    last_name: z.string().optional(),
    phone: z.string().optional(),
    external_id: z.string().optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
    addresses: z.array(address).optional(),
    id: z.string().optional(),
    request_id: z.string().optional(),
  }),
  password_hash: z.string().optional(),
  created_at: z.iso.datetime({ offset: true }).optional(),
  group_ids: z.array(z.string()).optional(),
});

/** null is what SQL writes for nothing. */
const withoutNulls = (value: unknown, keep: ReadonlySet<string>): unknown => {
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item, keep));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== null)
      .map(([key, part]) => [key, keep.has(key) ? part : withoutNulls(part, keep)]),
  );
};

/** Half a surrogate pair, which JSON can hold and UTF-8 cannot: it would be stored as U+FFFD. */
const isWellFormed = (value: unknown): boolean => {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, part]) => key.isWellFormed() && isWellFormed(part));
};

/** In metadata null is a value. */
const AS_IT_IS: ReadonlySet<string> = new Set(['metadata']);

/**
 * A row of ImportCustomers as a line of JSON: the names of the proto, `created_at` in RFC 3339, null as absent. Throws an
 * Error that says what is wrong with the line, unknown fields included.
 */
export const parseImportLine = (text: string): ImportCustomersRequest => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`is not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (/\\ud[89a-f]/i.test(text) && !isWellFormed(json)) throw new Error('holds half of a surrogate pair');
  const result = line.safeParse(withoutNulls(json, AS_IT_IS));
  if (!result.success) {
    const faults = result.error.issues.map(({ path, message }) => `${path.join('.') || 'line'}: ${message}`);
    throw new Error(faults.slice(0, 5).join('; '));
  }
  const { created_at, ...row } = result.data;
  return ImportCustomersRequest.fromPartial({
    ...row,
    created_at: created_at === undefined ? undefined : toTimestamp(new Date(created_at)),
  } as Parameters<typeof ImportCustomersRequest.fromPartial>[0]);
};
