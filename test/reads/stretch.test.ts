import fc from 'fast-check';
import { periodsOf, shareWithin, stretchOf } from '../../src/reads/customer-query/stretch';
import { createTestDatabase } from '../support/database';

const DAY = 86_400_000;
const BEGIN = Date.UTC(2000, 0, 1);
/** The numbers of the periods in which a day lies, as the index has them. */
const periodsWith = (day: number): number[] => [day, 40_000 + Math.floor(day / 32), 50_000 + Math.floor(day / 1_024)];
const LAST = 36_525;

it('the database has the same periods for a time', async () => {
  const database = await createTestDatabase();
  const days = [0, 1, 31, 32, 1_023, 1_024, 9_000, LAST - 1, LAST];
  const times = days.flatMap((day) => [BEGIN + day * DAY, BEGIN + (day + 1) * DAY - 1]);
  const asked = [Date.UTC(1, 0, 1), BEGIN - 1, ...times, Date.UTC(9999, 11, 31)].map((ms) =>
    new Date(ms).toISOString(),
  );
  const rows = await database.query<{ periods: number[] }>(
    `select periods_of(at) as periods from unnest($1::timestamptz[]) with ordinality asked (at, n) order by n`,
    [asked],
  );
  const expected = [0, 0, ...days.flatMap((day) => [day, day]), LAST].map(periodsWith);
  expect(rows.map(({ periods }) => periods)).toEqual(expected);
  await database.drop();
});

describe('the periods from one day on and before another', () => {
  it('are those of all days in between and of no other, each of them once', () => {
    const day = fc.integer({ min: 0, max: LAST + 1 });
    fc.assert(
      fc.property(day, day, fc.array(day, { maxLength: 20 }), (one, other, some) => {
        const [from, before] = [Math.min(one, other), Math.max(one, other)];
        const periods = periodsOf(from, before);
        for (const tried of [from - 1, from, before - 1, before, ...some].filter((n) => n >= 0 && n <= LAST)) {
          const hits = periodsWith(tried).filter((period) => periods.includes(period));
          expect(hits).toHaveLength(Number(tried >= from && tried < before));
        }
      }),
    );
  });

  it('are few', () => {
    for (let from = 0; from < 3_000; from += 7) expect(periodsOf(from, LAST + 1).length).toBeLessThan(160);
    expect(periodsOf(0, 36 * 1_024)).toHaveLength(36);
    expect(periodsOf(1_000, 1_030)).toEqual([
      ...Array.from({ length: 24 }, (_, n) => 1_000 + n),
      1_024,
      1_025,
      1_026,
      1_027,
      1_028,
      1_029,
    ]);
    expect(periodsOf(5, 5)).toEqual([]);
  });
});

const AT = BEGIN + 9_000 * DAY;
/** A customer a day, over a hundred days, at noon of each. */
const times = Array.from({ length: 101 }, (_, day) => AT + day * DAY + DAY / 2);
const at = (day: number) => AT + day * DAY + DAY / 2;
/** The days of a stretch, as distances from the first customer's. */
const daysOf = (...args: Parameters<typeof stretchOf>) => {
  const [periods] = (stretchOf(...args)?.condition.bindings ?? []) as number[][];
  if (periods === undefined) return undefined;
  const isIn = (day: number) => periodsWith(day).some((period) => periods.includes(period));
  const days = Array.from({ length: LAST + 1 }, (_, day) => day).filter(isIn);
  return [days[0]! - 9_000, days.at(-1)! - 9_000, days.length];
};

describe('a stretch of time', () => {
  it('goes back from the end, or on from the beginning, by whole days', () => {
    expect(daysOf(times, 'desc', undefined, 0.1)).toEqual([90, LAST - 9_000, LAST - 9_089]);
    expect(daysOf(times, 'asc', undefined, 0.1)).toEqual([-9_000, 10, 9_011]);
  });

  it('begins where the page does', () => {
    expect(daysOf(times, 'desc', at(50), 0.1)).toEqual([40, 50, 11]);
    expect(daysOf(times, 'asc', at(50), 0.1)).toEqual([50, 60, 11]);
    expect(stretchOf(times, 'desc', at(50), 0.1)?.share).toBeCloseTo(0.11);
    expect(stretchOf(times, 'asc', at(50), 0.1)?.share).toBeCloseTo(0.11);
  });

  it('is as long as it has to be where few came', () => {
    const rush = [AT, AT + 1_000 * DAY, AT + 1_001 * DAY, AT + 1_002 * DAY, AT + 1_003 * DAY];
    expect(daysOf(rush, 'desc', undefined, 0.5)?.[0]).toBe(1_001);
    expect(daysOf(rush, 'asc', undefined, 0.125)?.[1]).toBe(500);
  });

  it('is none when there are not so many, or nobody knows', () => {
    expect(stretchOf(times, 'desc', at(5), 0.1)).toBeUndefined();
    expect(stretchOf(times, 'asc', at(95), 0.1)).toBeUndefined();
    expect(stretchOf(times, 'desc', undefined, 1)).toBeUndefined();
    expect(stretchOf([], 'desc', undefined, 0.1)).toBeUndefined();
    expect(stretchOf([AT], 'desc', undefined, 0.1)).toBeUndefined();
  });

  it('knows what to make of times before and after all', () => {
    expect(daysOf(times, 'desc', Infinity, 0.1)?.[0]).toBe(90);
    expect(daysOf(times, 'asc', -Infinity, 0.1)?.[1]).toBe(10);
    expect(stretchOf(times, 'desc', -Infinity, 0.1)).toBeUndefined();
  });

  it('holds whoever came before 2000 or after 2100, too', () => {
    const long = [Date.UTC(1900, 0, 1), ...times, Date.UTC(9999, 0, 1)];
    expect(daysOf(long, 'desc', undefined, 0.5)?.[1]).toBe(LAST - 9_000);
    expect(daysOf(long, 'asc', undefined, 0.5)?.[0]).toBe(-9_000);
    expect(stretchOf(long, 'desc', undefined, 0.001)?.share).toBeCloseTo(0.01);
    expect(stretchOf(long, 'asc', undefined, 0.001)?.share).toBeCloseTo(0.01);
  });

  it('knows how many came at the very beginning of a day', () => {
    const block = [AT - 3 * DAY, AT, AT, AT, AT, AT + 2 * DAY, AT + 3 * DAY];
    expect(stretchOf(block, 'desc', undefined, 0.5)?.share).toBeCloseTo(5 / 6);
    expect(daysOf(block, 'desc', undefined, 0.5)?.[0]).toBe(0);
    expect(stretchOf(block, 'asc', undefined, 0.5)?.share).toBeCloseTo(4.5 / 6);
  });

  it('is all where all came at once', () => {
    expect(stretchOf([AT + 1, AT + 1, AT + 2], 'desc', undefined, 0.01)?.share).toBe(1);
    expect(stretchOf([AT + 1, AT + 1, AT + 2], 'asc', undefined, 0.01)?.share).toBe(1);
  });
});

describe('the share of those who came within limits', () => {
  it('is what lies between the narrowest of them', () => {
    expect(shareWithin(times, { gte: at(10), lt: at(30) })).toBeCloseTo(0.2);
    expect(shareWithin(times, { gt: at(20), gte: at(10), lt: at(30), lte: at(60) })).toBeCloseTo(0.1);
    expect(shareWithin(times, { gte: at(10.25), lt: at(10.75) })).toBeCloseTo(0.005);
  });

  it('holds those at the limits themselves, as they say', () => {
    const block = [AT, AT + DAY, AT + DAY, AT + DAY, AT + 2 * DAY];
    expect(shareWithin(block, { gte: AT + DAY, lte: AT + DAY })).toBeCloseTo(0.5);
    expect(shareWithin(block, { gte: AT + DAY, lt: AT + 2 * DAY })).toBeCloseTo(0.75);
    expect(shareWithin(block, { gt: AT + DAY, lt: AT + 2 * DAY })).toBeCloseTo(0.25);
  });

  it('is all without limits, and nothing where nobody can be', () => {
    expect(shareWithin(times, {})).toBe(1);
    expect(shareWithin(times, { gte: at(30), lt: at(10) })).toBe(0);
    expect(shareWithin(times, { gt: at(200) })).toBe(0);
    expect(shareWithin(times, { lt: at(-5) })).toBe(0);
  });
});
