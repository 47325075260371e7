import { randomBytes } from 'node:crypto';
import { Client, Pool, type QueryResultRow } from 'pg';
import { stopsOnce } from './left-over';

/** The database that global-setup migrates; every test file gets a copy. */
export const TEMPLATE = 'template_customer';

export type TestDatabase = {
  readonly url: string;
  readonly query: <Row extends QueryResultRow>(sql: string, values?: readonly unknown[]) => Promise<Row[]>;
  readonly drop: () => Promise<void>;
};

const connect = async (url: string): Promise<Client> => {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
};

/** A pool whose connections may still be closing when their database is dropped. */
export const createTestPool = (url: string): Pool => {
  const pool = new Pool({ connectionString: url });
  pool.on('error', () => undefined);
  return pool;
};

/** A fresh database with our schema and nothing in it. */
export const createTestDatabase = async (): Promise<TestDatabase> => {
  const server = process.env['TEST_POSTGRES_URL']?.replace(/\/[^/]+$/, '') ?? '';
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = await connect(`${server}/postgres`);
  await admin.query(`create database ${name} template ${TEMPLATE}`);
  const url = `${server}/${name}`;
  const client = await connect(url);
  return {
    url,
    query: async (sql, values = []) => (await client.query(sql, [...values])).rows as never,
    drop: stopsOnce(async () => {
      await client.end();
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    }),
  };
};
