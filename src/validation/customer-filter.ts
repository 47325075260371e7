import { z } from 'zod';
import { CustomerFilter, CustomerFilter_Deleted } from '../gen/customer/v1/customer';
import { fold, phoneKey } from '../models/fold';
import { email, id, LIMITS, phoneNumber, requiredText } from './fields';
import { metadata } from './metadata';
import { searchTerms } from './search-terms';
import { timeFilter } from './time-filter';

/** A part that is searched anywhere in a text has at least this many characters, so that an index can find it. */
const MIN_PART = 3;
const MAX_ALTERNATIVES = 20;

/** A list of values to compare with; counted before any of them is looked at. */
const anyOf = <Schema extends z.ZodType<unknown, string>>(schema: Schema) =>
  z.array(z.string()).max(1_000, 'must have at most 1,000 values').pipe(z.array(schema));

/** Compared as a whole: trimmed and folded. */
const whole = () => requiredText(LIMITS.email).transform(fold);

/** A part of a text: blanks at its ends count. */
const part = (min: number) =>
  z.string().transform((raw, ctx) => {
    const text = raw.normalize('NFC');
    const length = Array.from(text.slice(0, 2 * LIMITS.email + 1)).length;
    const fault = text.includes('\0')
      ? 'must not contain U+0000'
      : length < min
        ? `must have at least ${min === 1 ? '1 character' : `${min} characters`}`
        : length > LIMITS.email
          ? `must have at most ${LIMITS.email} characters`
          : undefined;
    if (fault !== undefined) ctx.addIssue({ code: 'custom', message: fault });
    return fold(text);
  });

const stringFilter = () =>
  z
    .object({
      equals: whole().optional(),
      in: anyOf(whole()),
      contains: part(MIN_PART).optional(),
      starts_with: part(1).optional(),
      ends_with: part(MIN_PART).optional(),
      is_null: z.boolean().optional(),
    })
    .optional();

const conditions = {
  ids: anyOf(id('cus')),
  emails: anyOf(email()),
  phones: anyOf(phoneNumber().transform(phoneKey)),
  external_ids: anyOf(requiredText(LIMITS.externalId)),
  group_ids: anyOf(id('cgrp')),
  has_account: z.boolean().optional(),
  email: stringFilter(),
  first_name: stringFilter(),
  last_name: stringFilter(),
  phone: stringFilter(),
  created_at: timeFilter(),
  updated_at: timeFilter(),
  deleted_at: timeFilter(),
  metadata: metadata(),
};

/** An alternative of any_of: conditions alone. */
const alternative = () =>
  z.object({
    ...conditions,
    q: z.literal('', 'must be empty in any_of'),
    deleted: z.literal(CustomerFilter_Deleted.DELETED_UNSPECIFIED, 'must not be set in any_of'),
    any_of: z.array(z.unknown()).max(0, 'must not be nested'),
  });

const DELETED = [
  CustomerFilter_Deleted.DELETED_UNSPECIFIED,
  CustomerFilter_Deleted.DELETED_INCLUDE,
  CustomerFilter_Deleted.DELETED_ONLY,
];

/** A whole filter, normalised; absent it is the one that every customer alive passes. */
export const customerFilter = () =>
  z.preprocess(
    (filter) => filter ?? CustomerFilter.fromPartial({}),
    z.object({
      ...conditions,
      q: searchTerms(),
      deleted: z.literal(DELETED, 'must be a value of Deleted'),
      any_of: z
        .array(z.unknown())
        .max(MAX_ALTERNATIVES, `must have at most ${MAX_ALTERNATIVES} filters`)
        .pipe(z.array(alternative())),
    }),
  );

/** A filter as it is compiled: texts folded, phones as keys. */
export type Filter = z.output<ReturnType<typeof customerFilter>>;
export type Conditions = Omit<Filter, 'q' | 'deleted' | 'any_of'>;
export type TextConditions = NonNullable<Filter['email']>;
