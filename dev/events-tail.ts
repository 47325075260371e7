import { randomUUID } from 'node:crypto';
import { parseArgs, styleText } from 'node:util';
import { Kafka, logLevel, type EachMessagePayload } from 'kafkajs';

const { env } = process;
const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    'from-beginning': { type: 'boolean', default: false },
    customer: { type: 'string' },
    type: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const HELP = `npm run events [-- options]      tails the event topics

  --from-beginning    everything that Kafka still has, then what comes
  --customer <id>     only this customer (or group)
  --type <type>       only this type, for example customer.updated
  --json              the values as JSON lines
`;

const prefix = env['KAFKA_TOPIC_PREFIX'] ?? '';
const brokers = (env['KAFKA_BROKERS'] ?? `127.0.0.1:${env['DEV_KAFKA_PORT'] ?? '9092'}`).split(',');
const topics = [`${prefix}customer.events`, `${prefix}customer-group.events`];
const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
  process.stdout.isTTY ? styleText(style, text) : text;

type Event = {
  readonly revision: number;
  readonly position: string;
  readonly occurred_at: string;
  readonly type: string;
  readonly changed_fields?: readonly string[];
};

const show = ({ message }: EachMessagePayload): void => {
  const key = message.key?.toString() ?? '';
  const text = message.value?.toString() ?? '{}';
  const event = JSON.parse(text) as Event;
  if (options.customer !== undefined && options.customer !== key) return;
  if (options.type !== undefined && options.type !== event.type) return;
  if (options.json) return void process.stdout.write(`${text}\n`);
  const fields = event.changed_fields?.join(', ') ?? '';
  process.stdout.write(
    `${paint('dim', event.occurred_at)}  ${event.position.padStart(6)}  ${paint('cyan', event.type.padEnd(26))} ${key} ` +
      `${paint('yellow', `rev ${event.revision}`)}${fields === '' ? '' : `  ${fields}`}\n`,
  );
};

const main = async (): Promise<void> => {
  if (options.help) return void process.stdout.write(HELP);
  // A Kafka that has just started refuses at first, and is asked again: nothing to tell anybody.
  const kafka = new Kafka({ clientId: 'events-tail', brokers, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `events-tail-${randomUUID()}` });
  const stop = async (): Promise<void> => {
    await Promise.race([consumer.disconnect(), new Promise((resolve) => setTimeout(resolve, 1_000))]);
    process.exit(0);
  };
  process.on('SIGINT', () => void stop());
  process.on('SIGTERM', () => void stop());
  process.stdout.on('error', () => process.exit(0));
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    if (!restart) fail(error);
    process.stderr.write(`${error.message}, trying again\n`);
  });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: options['from-beginning'] });
  await consumer.run({
    autoCommit: false,
    eachMessage: async (payload) => show(payload),
  });
};

const fail = (error: unknown): never => {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`cannot tail ${topics.join(', ')} at ${brokers.join(',')}: ${reason}\n`);
  process.exit(1);
};

main().catch(fail);
