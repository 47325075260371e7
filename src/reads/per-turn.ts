import DataLoader from 'dataloader';

/** Keys per statement: more are several statements. */
const MAX_BATCH = 1_000;

/**
 * A read by key whose calls of one turn of the event loop are one query; nothing is kept from one turn to the next.
 * `read` answers one value for each key, in their order.
 */
export const perTurn = <Key, Value>(
  read: (keys: readonly Key[]) => Promise<readonly Value[]>,
  maxBatchSize = MAX_BATCH,
): ((key: Key) => Promise<Value>) => {
  const loader = new DataLoader<Key, Value>(read, {
    cache: false,
    maxBatchSize,
    batchScheduleFn: (run) => setImmediate(run),
  });
  return (key) => loader.load(key);
};
