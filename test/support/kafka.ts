import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';

const isThere = process.env['TEST_KAFKA_BROKERS'] !== undefined;

/** Tests that need Kafka; without Java they are skipped (KAFKA_REQUIRED=1 has failed before that). */
export const describeKafka = isThere ? describe : describe.skip;
export const itKafka = isThere ? it : it.skip;

/** What a service is told of Kafka: topics of its own, in three partitions. Nothing without Kafka. */
export const kafkaEnv = (): Readonly<Record<string, string>> =>
  isThere
    ? {
        KAFKA_BROKERS: process.env['TEST_KAFKA_BROKERS'] ?? '',
        KAFKA_TOPIC_PREFIX: `test-${randomBytes(4).toString('hex')}.`,
        KAFKA_PARTITIONS: '3',
      }
    : {};

export type Received = {
  readonly partition: number;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
};

export const testKafka = (): Kafka =>
  new Kafka({ brokers: [process.env['TEST_KAFKA_BROKERS'] ?? ''], clientId: 'test', logLevel: logLevel.NOTHING });

/** The relay makes its topics when it first leads. */
const awaitTopic = async (topic: string): Promise<void> => {
  const admin = testKafka().admin();
  await admin.connect();
  for (let tries = 0; tries < 100 && !(await admin.listTopics()).includes(topic); tries += 1) await delay(100);
  await admin.disconnect();
};

/** Reads a topic from its beginning until it holds what is wanted; throws with what it got after `ms`. */
export const consumeUntil = async (
  topic: string,
  isDone: (received: readonly Received[]) => boolean,
  ms = 20_000,
): Promise<Received[]> => {
  await awaitTopic(topic);
  const consumer = testKafka().consumer({ groupId: `test-${randomUUID()}` });
  const received: Received[] = [];
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${topic} held only ${received.length} messages`)), ms);
      void consumer.run({
        autoCommit: false,
        eachMessage: async ({ partition, message }) => {
          received.push({
            partition,
            key: message.key?.toString() ?? '',
            headers: Object.fromEntries(
              Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
            ),
            value: message.value?.toString() ?? null,
          });
          if (!isDone(received)) return;
          clearTimeout(timer);
          resolve();
        },
      });
    });
    return received;
  } finally {
    void consumer.disconnect().catch(() => undefined);
  }
};
