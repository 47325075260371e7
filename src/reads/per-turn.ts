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

/** The rows of each key, in the order in which they were read. */
export const groupedBy = <Row>(rows: readonly Row[], keyOf: (row: Row) => string | null): ((key: string) => Row[]) => {
  const groups = new Map<string | null, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return (key) => groups.get(key) ?? [];
};
