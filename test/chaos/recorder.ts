import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel, type Consumer, type KafkaMessage } from 'kafkajs';
import type { Message, SeenEvent, StateMessage } from './history';

/** The topics as one consumer got them, each partition in its order. */
export type Recorded = { readonly messages: readonly Message[]; readonly states: readonly StateMessage[] };

export type Recorder = {
  readonly recorded: () => Recorded;
  /** Resolves once nothing new has come for so long, after `isDone` or when the patience is over. */
  readonly settled: (isDone: (recorded: Recorded) => boolean, quietMs: number, patienceMs: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

const EVENT_TOPICS = ['customer.events', 'customer-group.events'];
const STATE_TOPIC = 'customer.state';

type EventJson = {
  readonly position?: string;
  readonly customer_id?: string;
  readonly group_id?: string;
  readonly revision: number;
  readonly type: string;
  readonly request_id?: string;
  readonly occurred_at: string;
  readonly customer?: Readonly<Record<string, unknown>>;
};

/** The JSON of an event as the log and the topics hold it. */
export const seenEvent = (json: EventJson, position: number): SeenEvent => ({
  position,
  aggregate_id: json.customer_id ?? json.group_id ?? '',
  revision: json.revision,
  type: json.type,
  request_id: json.request_id ?? null,
  occurred_at: json.occurred_at,
  customer: json.customer,
});

const eventOf = (value: string): SeenEvent => {
  const json = JSON.parse(value) as EventJson;
  return seenEvent(json, Number(json.position));
};

/**
 * Reads the topics from their beginning and goes on, through every fault: a consumer that ends is replaced. What it has
 * once got at an offset must be there for ever.
 */
export const startRecorder = (brokers: string, onProblem: (problem: string) => void): Recorder => {
  const messages: Message[] = [];
  const states: StateMessage[] = [];
  const known = new Map<string, string>();
  let lastAt = Date.now();
  let isStopped = false;
  let consumer: Consumer | undefined;

  const take = (topic: string, partition: number, { key, value, headers, offset }: KafkaMessage): void => {
    const place = { partition: `${topic}/${partition}`, offset: Number(offset), key: key?.toString() ?? '' };
    const text = value?.toString() ?? null;
    const name = `${place.partition}@${offset}`;
    const whole = `${place.key} ${String(text)}`;
    const before = known.get(name);
    if (before !== undefined) {
      if (before !== whole) onProblem(`Kafka holds another message at ${name} than it gave before`);
      return;
    }
    known.set(name, whole);
    lastAt = Date.now();
    if (topic === STATE_TOPIC) {
      const customer = text === null ? null : (JSON.parse(text) as Readonly<Record<string, unknown>>);
      states.push({ ...place, customer, revision: Number(String(headers?.['ce_revision'])) });
    } else if (text !== null) messages.push({ ...place, event: eventOf(text) });
  };

  const consume = async (): Promise<void> => {
    const kafka = new Kafka({ brokers: [brokers], clientId: 'recorder', logLevel: logLevel.NOTHING });
    const own = kafka.consumer({
      groupId: `recorder-${randomUUID()}`,
      retry: { retries: 3, restartOnFailure: async () => false },
    });
    consumer = own;
    const crashed = new Promise<void>((resolve) => own.on('consumer.crash', () => resolve()));
    try {
      await own.connect();
      await own.subscribe({ topics: [...EVENT_TOPICS, STATE_TOPIC], fromBeginning: true });
      await own.run({
        autoCommit: false,
        eachMessage: async ({ topic, partition, message }) => take(topic, partition, message),
      });
      await crashed;
    } finally {
      await own.disconnect().catch(() => undefined);
    }
  };

  const running = (async () => {
    while (!isStopped) {
      await consume().catch(() => undefined);
      await delay(200);
    }
  })();

  return {
    recorded: () => ({ messages, states }),
    settled: async (isDone, quietMs, patienceMs) => {
      const giveUpAt = Date.now() + patienceMs;
      while (Date.now() < giveUpAt && !(Date.now() - lastAt > quietMs && isDone({ messages, states })))
        await delay(100);
    },
    stop: async () => {
      isStopped = true;
      await consumer?.disconnect().catch(() => undefined);
      void running;
    },
  };
};
