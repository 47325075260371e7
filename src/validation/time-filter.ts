import { z } from 'zod';
import type { TimeFilter } from '../gen/customer/v1/customer';
import type { Timestamp } from '../gen/google/protobuf/timestamp';
import { isTimestamp } from './time';

/** Bounds of what is stored, to the millisecond: after, from, before and until a time, as milliseconds since the epoch. */
export type TimeConditions = Readonly<Record<keyof TimeFilter, number | undefined>>;

/** Stored times have whole milliseconds, a bound may lie between two: `gt` and `lte` look down, `gte` and `lt` up. */
const timestamp = (toMilliseconds: (value: number) => number) =>
  z.custom<Timestamp | undefined>().transform((value, ctx) => {
    if (value === undefined) return undefined;
    if (!isTimestamp(value)) ctx.addIssue({ code: 'custom', message: 'must be a time of the years 1 to 9999' });
    return value.seconds * 1_000 + toMilliseconds(value.nanos / 1_000_000);
  });

/** Conditions on a time; a range that ends before it begins is no fault. */
export const timeFilter = () =>
  z
    .object({
      gt: timestamp(Math.floor),
      gte: timestamp(Math.ceil),
      lt: timestamp(Math.ceil),
      lte: timestamp(Math.floor),
    })
    .optional();
