import type { Direction } from '../../validation/paging';
import type { TimeConditions } from '../../validation/time-filter';
import { sql, type Sql } from '../sql';

const DAY_MS = 86_400_000;
const BEGIN_MS = Date.UTC(2000, 0, 1);
/** Who came before or after is taken for one of the first or the last day. */
const DAYS = 36_525;

/** The days in a row that have a number in `periods_of`, by which the search indexes know when a customer came. */
const PERIODS = [
  { days: 1_024, from: 50_000 },
  { days: 32, from: 40_000 },
  { days: 1, from: 0 },
] as const;
/** The last 1,024 days end here. */
const END = Math.ceil(DAYS / 1_024) * 1_024;

/** Some days in a row, of which the page shows the first or last who match. */
export type Stretch = { readonly condition: Sql; /** Of all customers. */ readonly share: number };

const dayOf = (time: number): number => Math.min(DAYS, Math.max(0, Math.floor((time - BEGIN_MS) / DAY_MS)));

/** The numbers of the fewest periods that are all days from one on and before another. */
export const periodsOf = (from: number, before: number): number[] => {
  const periods: number[] = [];
  for (let day = from; day < before;) {
    const longest = PERIODS.find(({ days }) => day % days === 0 && day + days <= before) ?? PERIODS[2];
    periods.push(longest.from + day / longest.days);
    day += longest.days;
  }
  return periods;
};

/** Up to where in some ascending times one lies, as a fraction of all; between two of them as if they came evenly. */
const placeOf = (times: readonly number[], time: number): number => {
  const next = times.findIndex((other) => other > time);
  if (next === -1) return 1;
  const [before, after] = [times[next - 1], times[next]];
  if (before === undefined || after === undefined) return 0;
  return (next - 1 + (time - before) / (after - before)) / (times.length - 1);
};

/** Which share of some ascending times, which have whole milliseconds, lies within limits. */
export const shareWithin = (times: readonly number[], limits: Partial<TimeConditions>): number => {
  const { gt = -Infinity, gte = -Infinity, lt = Infinity, lte = Infinity } = limits;
  return Math.max(0, placeOf(times, Math.min(lte, lt - 1)) - placeOf(times, Math.max(gt, gte - 1)));
};

const timeAt = (times: readonly number[], place: number): number => {
  const at = place * (times.length - 1);
  const [before = 0, after = 0] = [times[Math.floor(at)], times[Math.ceil(at)]];
  return before + (after - before) * (at % 1);
};

/** Where a day begins; the first and the last hold all that came before and after. */
const beginOf = (day: number): number | undefined => (day === 0 || day > DAYS ? undefined : BEGIN_MS + day * DAY_MS);

/**
 * The days in which, in this direction from a time on (undefined: from the end), about such a share of all customers
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
  const far = dayOf(timeAt(times, place));
  const [first, before] = isBack
    ? [far, from === undefined ? END : dayOf(from) + 1]
    : [from === undefined ? 0 : dayOf(from), far + 1];
  return {
    condition: sql('periods_of(customers.created_at) && ?::int[]', periodsOf(first, before)),
    share: shareWithin(times, { gte: beginOf(first), lt: beginOf(before) }),
  };
};
