import type { LoggedEvent } from '../../src/events/logged-event';
import { createNewest } from '../../src/events/newest';

const event = (position: number, data = '{}'): LoggedEvent => ({
  position,
  aggregate_type: 'customer',
  aggregate_id: 'a',
  revision: position,
  type: 'customer.updated',
  occurred_at: new Date(0),
  traceparent: null,
  data,
});
const positions = (events: readonly LoggedEvent[] | undefined) => events?.map(({ position }) => position);

describe('the newest events', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('are told from the position after the one asked for on', () => {
    const newest = createNewest();
    newest.put([event(7), event(8)]);
    newest.put([event(9)]);
    expect(positions(newest.after(6))).toEqual([7, 8, 9]);
    expect(positions(newest.after(8))).toEqual([9]);
  });

  it('are not told when earlier ones are missing, or later ones are known elsewhere', () => {
    const newest = createNewest();
    expect(newest.after(0)).toBeUndefined();
    newest.put([event(7)]);
    expect(newest.after(5)).toBeUndefined();
    expect(newest.after(8)).toBeUndefined();
    newest.put([event(9)]);
    expect(newest.after(6)).toBeUndefined();
    expect(positions(newest.after(8))).toEqual([9]);
    newest.put([]);
    expect(newest.after(8)).toBeUndefined();
  });

  it('are nothing for a moment only, as another process may have written since', () => {
    const newest = createNewest();
    newest.put([event(7)]);
    expect(newest.after(7)).toEqual([]);
    jest.advanceTimersByTime(60);
    expect(newest.after(7)).toBeUndefined();
    expect(positions(newest.after(6))).toEqual([7]);
  });

  it('are gone after a second, however many follow, as the log may have been redacted', () => {
    const newest = createNewest();
    for (let position = 1; position <= 30; position += 1) {
      newest.put([event(position)]);
      jest.advanceTimersByTime(40);
    }
    expect(newest.after(0)).toBeUndefined();
    expect(positions(newest.after(29))).toEqual([30]);
    jest.advanceTimersByTime(1_001);
    expect(newest.after(29)).toBeUndefined();
  });

  it('are forgotten when the log is redacted', () => {
    const newest = createNewest();
    newest.put([event(7)]);
    newest.forget();
    expect(newest.after(6)).toBeUndefined();
    expect(newest.after(7)).toBeUndefined();
  });

  it('are asked for while somebody follows the log, and for a second more', () => {
    const newest = createNewest();
    newest.put([event(7)]);
    expect(newest.isAskedFor()).toBe(false);
    newest.after(7);
    jest.advanceTimersByTime(990);
    expect(newest.isAskedFor()).toBe(true);
    jest.advanceTimersByTime(20);
    expect(newest.isAskedFor()).toBe(false);
  });

  it('never outgrow one send', () => {
    const newest = createNewest();
    newest.put([event(1)]);
    newest.put([event(2, 'x'.repeat(512 * 1024 - 1))]);
    expect(newest.after(0)).toBeUndefined();
    expect(positions(newest.after(1))).toEqual([2]);
    newest.put([event(3, 'x'.repeat(512 * 1024 + 1))]);
    expect(newest.after(2)).toBeUndefined();
  });
});
