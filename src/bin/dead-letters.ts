import { Pool } from 'pg';
import { pino } from 'pino';
import { readConfig } from '../config';
import { listDeadLetters, resendDeadLetters, type DeadLetter } from '../events/dead-letters';
import { createKafka } from '../events/kafka';
import { eventMessages } from '../events/sinks';
import { messageOf } from '../errors';

const USAGE = `usage: dead-letters list | resend      (DATABASE_URL, KAFKA_* as for the service)

  list      events that Kafka refused for themselves: sink, position, customer or group, reason, since when
  resend    sends them once more, to the topics of events only, marked with ce_replay
`;

const OUTCOMES = {
  sent: 'sent',
  refused: 'refused again: raise max.message.bytes of the topic first',
  gone: 'no longer in the log; forgotten',
  superseded: 'a later state of this customer is published; forgotten',
  waiting: 'a state: published with the next change of this customer',
} as const;

const lineOf = ({ sink, position, aggregate_id, reason, parked_at }: DeadLetter): string =>
  `${sink}  ${position}  ${aggregate_id}  ${reason}  ${parked_at.toISOString()}`;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const resend = async (pool: Pool, config: ReturnType<typeof readConfig>): Promise<void> => {
  if (config.kafka === undefined) throw new Error('KAFKA_BROKERS is required');
  const producer = createKafka(config.kafka, pino({ level: 'silent' })).plainProducer();
  try {
    const messagesAgain = eventMessages(config.kafka, config.eventSource);
    const resent = await resendDeadLetters({ pool, producer, messagesAgain });
    for (const { letter, outcome } of resent) say(`${lineOf(letter)}  ${OUTCOMES[outcome]}`);
    if (resent.some(({ outcome }) => outcome === 'refused')) process.exitCode = 1;
  } finally {
    await producer.discard();
  }
};

const main = async (): Promise<void> => {
  const [command] = process.argv.slice(2);
  if (command !== 'list' && command !== 'resend') {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  const config = readConfig({ ...process.env, NODE_ENV: undefined });
  const pool = new Pool({ connectionString: config.database.url, max: 1 });
  try {
    if (command === 'list') for (const letter of await listDeadLetters(pool)) say(lineOf(letter));
    else await resend(pool, config);
  } finally {
    await pool.end();
  }
};

main().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
});
