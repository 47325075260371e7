import { createHeldKeys, createQueue, type Entry } from '../../src/changes/queue';

const LIMITS = { changes: 10, customers: 10, waiting: 2, batches: 1, slowBatches: 1 };

const entry = (): Entry => ({
  work: { customers: [] } as never,
  keys: { alone: [], shared: [] },
  resolve: () => undefined,
  reject: () => undefined,
  queuedAt: 0,
  slow: false,
});

describe('the queue of changes', () => {
  it('refuses at once what finds it full, and takes more once some have gone', () => {
    const queue = createQueue(LIMITS, createHeldKeys());
    for (let n = 0; n < LIMITS.waiting; n += 1) queue.add(entry());
    expect(() => queue.add(entry())).toThrow(expect.objectContaining({ reason: 'OVERLOADED' }));
    expect(queue.stats()).toEqual({ queued: 2, running: 0 });
    expect(queue.take()?.entries).toHaveLength(2);
    queue.add(entry());
    expect(queue.stats()).toEqual({ queued: 1, running: 1 });
  });
});
