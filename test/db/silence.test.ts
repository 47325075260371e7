import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import { createKnex } from '../../src/db/knex';
import { asDomainError } from '../../src/db/refusals';
import { allowSilence } from '../../src/db/silence';
import { watchDatabase } from '../../src/db/watch';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { startDatabaseProxy, type Proxy } from '../support/proxy';

let database: TestDatabase;
let proxy: Proxy;
let url: string;
let knex: Knex;
let patient: Knex;
let silent: Promise<unknown>;

describe('a server that goes without a word', () => {
  beforeAll(async () => {
    database = await createTestDatabase();
    ({ proxy, url } = await startDatabaseProxy(database.url));
    knex = createKnex({ url, poolSize: 2, statementNames: true });
    patient = createKnex({ url: database.url, poolSize: 1, statementNames: true });
    // Takes its time while the first test takes its own.
    silent = patient.transaction(async (trx) => {
      await allowSilence(trx, 20_000);
      return trx.raw(`select pg_sleep(10.5), 'worked' as answer`);
    });
  });
  afterAll(async () => {
    await knex.destroy();
    await patient.destroy();
    await proxy.close();
    await database.drop();
  });

  it('is given up, and what waited for it is UNAVAILABLE; the next goes by a new connection', async () => {
    await knex.raw('select 1');
    proxy.mute();
    const error: unknown = await knex
      .transaction((trx) => trx.raw('select 1'))
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    expect(asDomainError(error)?.reason).toBe('DATABASE_UNAVAILABLE');
    await expect(knex.transaction((trx) => trx.raw('select 1'))).resolves.toBeDefined();
  }, 30_000);

  it('is waited for as long as a transaction says that it may work', async () => {
    await expect(silent).resolves.toMatchObject({ rows: [{ answer: 'worked' }] });
  }, 30_000);

  it('is not there for the watch, which sees it come back', async () => {
    const heard: boolean[] = [];
    const end = watchDatabase(url, (isThere) => void heard.push(isThere));
    const awaitHearing = async (isThere: boolean): Promise<void> => {
      while (!heard.includes(isThere)) await delay(50);
      heard.splice(0, heard.indexOf(isThere) + 1);
    };
    await awaitHearing(true);
    proxy.mute();
    await awaitHearing(false);
    await awaitHearing(true);
    end();
  }, 30_000);

  it('does not keep what a process has locked that goes without a word itself', async () => {
    const own = createKnex({ url, poolSize: 1, statementNames: true });
    const lock = `select from event_cursors where name = 'log' for update`;
    const stuck = own.transaction(async (trx) => {
      await trx.raw(lock);
      proxy.mute();
      await trx.raw('select 1');
    });
    const isGivenUp = expect(stuck).rejects.toThrow();
    await delay(500);
    await database.query(lock);
    await isGivenUp;
    await own.destroy();
  }, 20_000);
});
