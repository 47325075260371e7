import type { TimeConditions } from '../../validation/time-filter';
import type { Direction } from '../../validation/paging';
import { instant } from './conditions';
import { sql, type Sql } from '../sql';

/** How the search indexes know when a customer came. */
const CAME = `date_bin('1 hour', customers.created_at, timestamptz '2000-01-01 00:00:00+00')`;
const HOUR_MS = 3_600_000;

/** What lies between one end of time and some hour: all of it is looked through, also what a page is behind already. */
export type Stretch = { readonly condition: Sql; /** Of all customers. */ readonly share: number };

/** How many of some times lie before one, as a fraction of all; between two of them as if they came evenly. */
const placeOf = (times: readonly number[], time: number): number => {
  const next = times.findIndex((other) => other > time);
  if (next === -1) return 1;
  const [before, after] = [times[next - 1], times[next]];
  if (before === undefined || after === undefined) return 0;
  return (next - 1 + (time - before) / (after - before)) / (times.length - 1);
};

/** Which share of some times in ascending order lies within limits, as if they came evenly between each two. */
export const shareWithin = (times: readonly number[], limits: Partial<TimeConditions>): number => {
  const from = Math.max(limits.gt ?? -Infinity, limits.gte ?? -Infinity);
  const to = Math.min(limits.lt ?? Infinity, limits.lte ?? Infinity);
  return Math.max(0, placeOf(times, to) - placeOf(times, from));
};

const timeAt = (times: readonly number[], place: number): number => {
  const at = place * (times.length - 1);
  const [before = 0, after = 0] = [times[Math.floor(at)], times[Math.ceil(at)]];
  return before + (after - before) * (at % 1);
};

/**
 * The stretch in which, in this direction from a time on (undefined: from the end), about such a share of all customers
 * came. Undefined when there are not so many, as far as some `times` in ascending order tell.
 */
export const stretchOf = (
  times: readonly number[],
  direction: Direction,
  from: number | undefined,
  share: number,
): Stretch | undefined => {
  const isBack = direction === 'desc';
  const start = from === undefined ? Number(isBack) : placeOf(times, from);
  const place = isBack ? start - share : start + share;
  if (times.length < 2 || place <= 0 || place >= 1) return undefined;
  const time = timeAt(times, place) / HOUR_MS;
  const hour = (isBack ? Math.floor(time) : Math.ceil(time)) * HOUR_MS;
  return {
    condition: sql(`${CAME} ${isBack ? '>=' : '<'} ?::timestamptz`, instant(hour)),
    share: isBack ? 1 - placeOf(times, hour) : placeOf(times, hour),
  };
};
