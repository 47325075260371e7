import { shareWithin, stretchOf } from '../../src/reads/customer-query/stretch';

const HOUR = 3_600_000;
const AT = Date.UTC(2026, 0, 1);
/** A customer an hour, over a hundred hours, half past each. */
const times = Array.from({ length: 101 }, (_, hour) => AT + hour * HOUR + HOUR / 2);
const hourOf = (...args: Parameters<typeof stretchOf>) => {
  const [iso] = (stretchOf(...args)?.condition.bindings ?? []) as string[];
  return iso === undefined ? undefined : (Date.parse(iso) - AT) / HOUR;
};
const at = (hour: number) => AT + hour * HOUR + HOUR / 2;

describe('a stretch of time', () => {
  it('goes back from the end, or on from the beginning, to a full hour', () => {
    expect(hourOf(times, 'desc', undefined, 0.1)).toBe(90);
    expect(hourOf(times, 'asc', undefined, 0.1)).toBe(11);
    expect(stretchOf(times, 'desc', undefined, 0.1)?.condition.sql).toMatch(/created_at.* >= /);
    expect(stretchOf(times, 'asc', undefined, 0.1)?.condition.sql).toMatch(/created_at.* < /);
  });

  it('begins where the page does, but is looked through from the end of time', () => {
    expect(hourOf(times, 'desc', at(50), 0.1)).toBe(40);
    expect(hourOf(times, 'asc', at(50), 0.1)).toBe(61);
    expect(stretchOf(times, 'desc', at(50), 0.1)?.share).toBeCloseTo(0.6, 1);
    expect(stretchOf(times, 'asc', at(50), 0.1)?.share).toBeCloseTo(0.6, 1);
  });

  it('is as long as it has to be where few came', () => {
    const rush = [AT, AT + 1_000 * HOUR, AT + 1_001 * HOUR, AT + 1_002 * HOUR, AT + 1_003 * HOUR];
    expect(hourOf(rush, 'desc', undefined, 0.5)).toBe(1_001);
    expect(hourOf(rush, 'asc', undefined, 0.125)).toBe(500);
  });

  it('is none when there are not so many, or nobody knows', () => {
    expect(stretchOf(times, 'desc', at(5), 0.1)).toBeUndefined();
    expect(stretchOf(times, 'asc', at(95), 0.1)).toBeUndefined();
    expect(stretchOf(times, 'desc', undefined, 1)).toBeUndefined();
    expect(stretchOf([], 'desc', undefined, 0.1)).toBeUndefined();
    expect(stretchOf([AT], 'desc', undefined, 0.1)).toBeUndefined();
  });

  it('knows what to make of times before and after all', () => {
    expect(hourOf(times, 'desc', Infinity, 0.1)).toBe(90);
    expect(hourOf(times, 'asc', -Infinity, 0.1)).toBe(11);
    expect(stretchOf(times, 'desc', -Infinity, 0.1)).toBeUndefined();
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

  it('is all without limits, and nothing where nobody can be', () => {
    expect(shareWithin(times, {})).toBe(1);
    expect(shareWithin(times, { gte: at(30), lt: at(10) })).toBe(0);
    expect(shareWithin(times, { gt: at(200) })).toBe(0);
    expect(shareWithin(times, { lt: at(-5) })).toBe(0);
  });
});
