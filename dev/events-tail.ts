import { randomUUID } from 'node:crypto';
import { parseArgs, styleText } from 'node:util';
import { Kafka, logLevel, type EachMessagePayload } from 'kafkajs';

const { env } = process;
const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    'from-beginning': { type: 'boolean', default: false },
    customer: { type: 'string', multiple: true, default: [] },
    type: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', default: false },
  },
});

const HELP = `npm run events [-- options]      tails the event topics

  --from-beginning    everything that Kafka still has, then what comes
  --customer <id>     only this customer (or group); may be given several times
  --type <type>       only this type, for example customer.updated or 'customer.address_*'; likewise
  --json              the values as JSON lines, for other programs
`;

const prefix = env['KAFKA_TOPIC_PREFIX'] ?? '';
const brokers = (env['KAFKA_BROKERS'] ?? `127.0.0.1:${env['DEV_KAFKA_PORT'] ?? '9092'}`).split(',');
const topics = [`${prefix}customer.events`, `${prefix}customer-group.events`];

type Style = Parameters<typeof styleText>[0];
const isTerminal = process.stdout.isTTY && env['NO_COLOR'] === undefined;
const paint = (style: Style, text: string): string => (isTerminal ? styleText(style, text) : text);

type Json = Readonly<Record<string, unknown>>;
type Event = {
  readonly revision: number;
  readonly position: string;
  readonly occurred_at: string;
  readonly type: string;
  readonly changed_fields: readonly string[];
  readonly customer?: Json;
  readonly group?: Json;
  readonly previous?: Json;
};

const STYLES: readonly (readonly [RegExp, Style])[] = [
  [/\.(created|registered|restored)$/, 'green'],
  [/\.(deleted|erased|locked)$/, 'red'],
  [/\.password_/, 'magenta'],
];
const styleOf = (type: string): Style => STYLES.find(([pattern]) => pattern.test(type))?.[1] ?? 'cyan';

const valueText = (value: unknown): string => {
  if (value === undefined) return '–';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
};

/** `first_name: Ann → Anna`, or the name alone for what the event carries elsewhere (addresses, groups). */
const changeOf = (field: string, { customer, group, previous }: Event): string => {
  const after = customer ?? group ?? {};
  if (field === 'addresses' || field === 'groups') return field;
  return `${field}: ${paint('dim', `${valueText(previous?.[field])} → `)}${valueText(after[field])}`;
};

const isWanted = (key: string, type: string): boolean =>
  (options.customer.length === 0 || options.customer.includes(key)) &&
  (options.type.length === 0 ||
    options.type.some((wanted) => (wanted.endsWith('*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted)));

const show = ({ message }: EachMessagePayload): void => {
  const key = message.key?.toString() ?? '';
  const text = message.value?.toString() ?? '{}';
  const event = JSON.parse(text) as Event;
  if (!isWanted(key, event.type)) return;
  if (options.json) return void process.stdout.write(`${text}\n`);
  const isAgain = message.headers?.['ce_replay'] !== undefined;
  const changes = event.changed_fields.map((field) => changeOf(field, event)).join(paint('dim', ', '));
  process.stdout.write(
    `${paint('dim', event.occurred_at)}  ${event.position.padStart(6)}  ${paint(styleOf(event.type), event.type.padEnd(26))} ` +
      `${key} ${paint('yellow', `rev ${event.revision}`)}${isAgain ? paint('dim', ' (again)') : ''}` +
      `${changes === '' ? '' : `  ${changes}`}\n`,
  );
};

const main = async (): Promise<void> => {
  if (options.help) return void process.stdout.write(HELP);
  const kafka = new Kafka({ clientId: 'events-tail', brokers, logLevel: logLevel.NOTHING, retry: { retries: 3 } });
  const consumer = kafka.consumer({ groupId: `events-tail-${randomUUID()}` });
  const stop = async (): Promise<void> => {
    await Promise.race([consumer.disconnect(), new Promise((resolve) => setTimeout(resolve, 1_000))]);
    process.exit(0);
  };
  process.on('SIGINT', () => void stop());
  process.on('SIGTERM', () => void stop());
  // The reader of a pipe has gone, as with `| head`.
  process.stdout.on('error', () => process.exit(0));
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: options['from-beginning'] });
  await consumer.run({ autoCommit: false, eachMessage: async (payload) => show(payload) });
};

main().catch((error: unknown) => {
  process.stderr.write(
    `cannot tail ${topics.join(', ')} at ${brokers.join(',')}: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exit(1);
});
