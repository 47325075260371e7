import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startKafka, whyNoKafka } from '../../dev/kafka';
import { startPostgres } from '../../dev/postgres';
import { freePort, type BackEnd } from '../../dev/run';
import { migrate } from '../../src/db/migrate';
import { TEMPLATE } from './database';
import { createSecuredDoor } from './secured-kafka';

/** What global-teardown stops. */
export type Started = { readonly backEnds: readonly BackEnd[]; readonly dir: string };

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Speed for durability: the data is thrown away afterwards. */
const IN_A_HURRY = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=300'];

const kafkaOrReason = async (dir: string) => {
  const reason = whyNoKafka();
  if (reason === undefined) {
    const [port, { door, formatArguments, caFile }] = [await freePort(), await createSecuredDoor(dir)];
    const folders = { dataDir: join(dir, 'kafka'), libDir: resolve('.data/kafka/lib') };
    const kafka = await startKafka({ ...folders, port, doors: [door], formatArguments, say });
    process.env['TEST_KAFKA_BROKERS'] = kafka.brokers;
    process.env['TEST_KAFKA_SECURED_BROKERS'] = `127.0.0.1:${door.port}`;
    process.env['TEST_KAFKA_CA_FILE'] = caFile;
    return kafka;
  }
  if (process.env['KAFKA_REQUIRED'] === '1') throw new Error(`KAFKA_REQUIRED=1, but ${reason}`);
  say(`tests with Kafka are skipped: ${reason}`);
  return undefined;
};

/** One PostgreSQL with a template database and one Kafka for all test files. */
const globalSetup = async (): Promise<void> => {
  const dir = mkdtempSync(join(tmpdir(), 'customer-service-test-'));
  const { chmodSync } = await import('node:fs');
  chmodSync(dir, 0o755);
  const parts = [
    startPostgres({ dataDir: join(dir, 'postgres'), port: await freePort(), settings: IN_A_HURRY, say }),
    kafkaOrReason(dir),
  ] as const;
  const [postgres, kafka] = await Promise.all(parts).catch(async (error: unknown) => {
    for (const part of await Promise.allSettled(parts)) if (part.status === 'fulfilled') await part.value?.stop();
    throw error;
  });
  process.env['TEST_POSTGRES_URL'] = postgres.url;
  await migrate(postgres.url);
  const { Client } = await import('pg');
  const client = new Client({ connectionString: postgres.url.replace(/\/[^/]+$/, '/postgres') });
  await client.connect();
  await client.query(`alter database customer rename to ${TEMPLATE}`);
  await client.end();
  const started: Started = { dir, backEnds: kafka === undefined ? [postgres] : [kafka, postgres] };
  Object.assign(globalThis, { started });
};

export default globalSetup;
