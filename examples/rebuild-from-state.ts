/**
 * Builds a table of all customers out of the compacted topic `customer.state`: it holds the last state of each, so that
 * a new consumer need not read every change there ever was.
 *
 *   KAFKA_BROKERS=127.0.0.1:9092 node --import tsx examples/rebuild-from-state.ts
 */
import { Kafka, logLevel } from 'kafkajs';

export type State = Readonly<Record<string, unknown>>;

type Options = {
  readonly brokers: readonly string[];
  readonly topicPrefix?: string;
  readonly groupId: string;
  /** The topic counts as read once nothing has come for so long. */
  readonly quietMs?: number;
};

/** Fills `customers` and keeps it up to date; resolves once the past is read, with how to stop. */
export const rebuildFromState = async (
  customers: Map<string, State>,
  options: Options,
): Promise<() => Promise<void>> => {
  const { brokers, topicPrefix = '', groupId, quietMs = 2_000 } = options;
  const consumer = new Kafka({ clientId: 'rebuild', brokers: [...brokers], logLevel: logLevel.WARN }).consumer({
    groupId,
  });
  let lastAt = Date.now();
  await consumer.connect();
  await consumer.subscribe({ topic: `${topicPrefix}customer.state`, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      lastAt = Date.now();
      const id = message.key?.toString() ?? '';
      // A tombstone: deleted or erased. The last message of a key is always its newest state.
      if (message.value === null) customers.delete(id);
      else customers.set(id, JSON.parse(message.value.toString()) as State);
    },
  });
  while (Date.now() - lastAt < quietMs) await new Promise((resolve) => setTimeout(resolve, 100));
  return () => consumer.disconnect();
};

if (require.main === module) {
  const brokers = (process.env['KAFKA_BROKERS'] ?? '127.0.0.1:9092').split(',');
  const customers = new Map<string, State>();
  void rebuildFromState(customers, { brokers, groupId: `rebuild-${process.pid}` }).then(async (stop) => {
    console.log(`${customers.size} customers`);
    await stop();
  });
}
