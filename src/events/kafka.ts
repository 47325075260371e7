import {
  ConfigResourceTypes,
  Kafka,
  logLevel,
  Partitioners,
  type Admin,
  type LogEntry,
  type Producer as KafkaJsProducer,
  type TopicMessages,
} from 'kafkajs';
import type { KafkaConfig } from '../config';
import type { Logger } from '../logger';
import type { KafkaMessage } from './cloud-event';
import './kafkajs-mends';
import { topicsOf, type TopicSettings } from './topics';

/** A message and where it goes. */
export type Outbound = { readonly topic: string; readonly message: KafkaMessage };

/** A way into Kafka. */
export type Producer = {
  /** Connects if it is not; true when it just did. A transactional one shuts every other out by that. */
  readonly connect: () => Promise<boolean>;
  /**
   * Resolves once every message is acknowledged by all replicas in sync; connect first. After a throw it is unknown which
   * were, and the producer is gone: kafkajs takes its sequence numbers back on an error, and a number used twice would
   * be taken for a repeat and lost.
   */
  readonly send: (messages: readonly Outbound[]) => Promise<void>;
  /** Throws the connection and its producer id away. */
  readonly discard: () => Promise<void>;
};

export type KafkaClient = {
  /** Creates what is missing, if it may, and says by name what is not as it should be. Throws when a topic is missing. */
  readonly ensureTopics: () => Promise<void>;
  /** Idempotent, one request in flight. */
  readonly plainProducer: () => Producer;
  /** Transactional: whoever starts last with an id fences all others out. */
  readonly transactionalProducer: (transactionalId: string) => Producer;
};

/** A topic that cannot hold a large event is reported: 1 MiB is Kafka's own default. */
const MIN_MESSAGE_BYTES = 1_048_576;
const INVALID_RECORD = 87;

/** Why Kafka refuses one message for itself; undefined for everything that concerns them all. */
export const refusedForItself = (error: unknown): 'MESSAGE_TOO_LARGE' | 'INVALID_RECORD' | undefined => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { type, code } = cause as { readonly type?: unknown; readonly code?: unknown };
    if (type === 'MESSAGE_TOO_LARGE') return type;
    if (type === 'INVALID_RECORD' || code === INVALID_RECORD) return 'INVALID_RECORD';
  }
  return undefined;
};

/** What fails is tried again by our own loops, with a new producer. */
const RETRY = { retries: 2, initialRetryTime: 100, maxRetryTime: 1_000 };

const createClient = (kafka: KafkaConfig, log: Logger): Kafka =>
  new Kafka({
    clientId: kafka.clientId,
    brokers: [...kafka.brokers],
    ssl: kafka.ssl,
    ...(kafka.sasl === undefined ? {} : { sasl: kafka.sasl as never }),
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry: RETRY,
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, log: { message, error } }: LogEntry) =>
        log.debug({ namespace, reason: error as unknown }, message),
  });

const byTopic = (messages: readonly Outbound[]): TopicMessages[] => {
  const topics = new Map<string, KafkaMessage[]>();
  for (const { topic, message } of messages) {
    const own = topics.get(topic);
    if (own === undefined) topics.set(topic, [message]);
    else own.push(message);
  }
  return [...topics].map(([topic, own]) => ({ topic, messages: own }));
};

/** Forgets the connection after any failure, a failed connect most of all: it would send unnumbered. */
const producerOf = (
  create: () => KafkaJsProducer,
  introduce: (producer: KafkaJsProducer) => Promise<void>,
  send: (producer: KafkaJsProducer, messages: TopicMessages[]) => Promise<unknown>,
): Producer => {
  let connected: KafkaJsProducer | undefined;
  const discard = async (): Promise<void> => {
    const old = connected;
    connected = undefined;
    await old?.disconnect().catch(() => undefined);
  };
  return {
    discard,
    connect: async () => {
      if (connected !== undefined) return false;
      const producer = create();
      try {
        await introduce(producer);
      } catch (error) {
        await producer.disconnect().catch(() => undefined);
        throw error;
      }
      connected = producer;
      return true;
    },
    send: async (messages) => {
      if (connected === undefined) throw new Error('a producer must be connected before it sends');
      try {
        await send(connected, byTopic(messages));
      } catch (error) {
        await discard();
        throw error;
      }
    },
  };
};

const ACKNOWLEDGED_BY_ALL = -1;

/** The only place that knows kafkajs. */
export const createKafka = (config: KafkaConfig, log: Logger): KafkaClient => {
  const client = createClient(config, log);
  const options = {
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
    // kafkajs would have an idempotent one try for ever: nobody would hear of it, and nobody ask who leads by now.
    retry: RETRY,
  };
  return {
    ensureTopics: async () => {
      const admin = client.admin();
      try {
        await admin.connect();
        await ensureTopics(admin, config, log);
      } finally {
        await admin.disconnect().catch(() => undefined);
      }
    },
    plainProducer: () =>
      producerOf(
        () => client.producer(options),
        (producer) => producer.connect(),
        (producer, topicMessages) => producer.sendBatch({ acks: ACKNOWLEDGED_BY_ALL, topicMessages }),
      ),
    transactionalProducer: (transactionalId) =>
      producerOf(
        () => client.producer({ ...options, transactionalId, transactionTimeout: 30_000 }),
        async (producer) => {
          await producer.connect();
          // It is the first transaction, not the connection, that shuts the others out.
          await (await producer.transaction()).abort();
        },
        async (producer, topicMessages) => {
          const transaction = await producer.transaction();
          try {
            await transaction.sendBatch({ acks: ACKNOWLEDGED_BY_ALL, topicMessages });
            await transaction.commit();
          } catch (error) {
            await transaction.abort().catch(() => undefined);
            throw error;
          }
        },
      ),
  };
};

const ensureTopics = async (admin: Admin, config: KafkaConfig, log: Logger): Promise<void> => {
  const wanted = topicsOf(config);
  const present = new Set(await admin.listTopics());
  const missing = wanted.filter(({ topic }) => !present.has(topic));
  if (missing.length > 0 && !config.createTopics) {
    throw new Error(
      `topics are missing and KAFKA_CREATE_TOPICS is not true: ${missing.map((one) => one.topic).join(', ')}`,
    );
  }
  if (missing.length > 0) {
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map(({ topic, settings }) => ({
        topic,
        numPartitions: config.partitions,
        replicationFactor: -1,
        configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
      })),
    });
  }
  await warnOfSettings(admin, wanted, log);
};

/** Settings of topics that are not ours to change are only reported; a broker may not let us look. */
const warnOfSettings = async (admin: Admin, wanted: readonly TopicSettings[], log: Logger): Promise<void> => {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: wanted.map(({ topic }) => ({
      type: ConfigResourceTypes.TOPIC,
      name: topic,
      configNames: ['cleanup.policy', 'max.message.bytes'],
    })),
  });
  for (const { resourceName, configEntries } of resources) {
    const settingOf = (name: string) => configEntries.find(({ configName }) => configName === name)?.configValue;
    const policy = settingOf('cleanup.policy');
    const wantedPolicy = wanted.find(({ topic }) => topic === resourceName)?.settings['cleanup.policy'];
    if (policy !== undefined && policy !== wantedPolicy) {
      log.error({ topic: resourceName, policy, wanted: wantedPolicy }, 'topic has another cleanup.policy');
    }
    const bytes = Number(settingOf('max.message.bytes') ?? MIN_MESSAGE_BYTES);
    if (bytes < MIN_MESSAGE_BYTES) {
      log.error({ topic: resourceName, bytes, wanted: MIN_MESSAGE_BYTES }, 'topic has a too small max.message.bytes');
    }
  }
};
