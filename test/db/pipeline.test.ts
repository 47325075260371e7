import type { Knex } from 'knex';
import { createKnex } from '../../src/db/knex';
import { inPipeline, prepare } from '../../src/db/pipeline';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { startDatabaseProxy, type Proxy } from '../support/proxy';

const READ = prepare('read', 'select ?::integer as number');
const KEEP = prepare('keep', 'insert into removed_groups (id) values (?)');
const FAIL = prepare('fail', 'select 1 / ?::integer');

let database: TestDatabase;
let proxy: Proxy;
let knex: Knex;

beforeAll(async () => {
  database = await createTestDatabase();
  let url: string;
  ({ proxy, url } = await startDatabaseProxy(database.url));
  knex = createKnex({ url, poolSize: 1, statementNames: true });
});
afterAll(async () => {
  await knex.destroy();
  await proxy.close();
  await database.drop();
});
beforeEach(() => database.query('delete from removed_groups'));

const kept = async (): Promise<string[]> =>
  (await database.query<{ id: string }>('select id from removed_groups order by id')).map(({ id }) => id);

describe('a transaction in a pipeline', () => {
  it('makes one round trip of BEGIN and what is sent first, and one of what is sent last and COMMIT', async () => {
    await knex.raw('select 1');
    const before = proxy.roundTrips();
    const numbers = await inPipeline(knex, async ({ send }) => {
      const read = await Promise.all([1, 2, 3].map((number) => send<{ number: number }>(READ, [number])));
      for (const id of ['a', 'b', 'c']) void send(KEEP, [id]);
      return read.flat().map(({ number }) => number);
    });
    expect(proxy.roundTrips() - before).toBe(2);
    expect(numbers).toEqual([1, 2, 3]);
    expect(await kept()).toEqual(['a', 'b', 'c']);
  });

  it('throws what the first statement threw that failed, though nobody waited for it, and keeps nothing', async () => {
    const work = inPipeline(knex, ({ send }) => {
      void send(KEEP, ['a']);
      void send(FAIL, [0]);
      void send(KEEP, ['b']);
      return Promise.resolve('answered');
    });
    await expect(work).rejects.toMatchObject({ code: '22012' });
    expect(await kept()).toEqual([]);
  });

  it('throws that also when the work itself then stumbles over it', async () => {
    const work = inPipeline(knex, async ({ send }) => {
      void send(FAIL, [0]);
      await send(READ, [1]);
    });
    await expect(work).rejects.toMatchObject({ code: '22012' });
  });

  it('keeps nothing when the work throws', async () => {
    const work = inPipeline(knex, ({ send }) => {
      void send(KEEP, ['a']);
      return Promise.reject(new Error('changed my mind'));
    });
    await expect(work).rejects.toThrow('changed my mind');
    expect(await kept()).toEqual([]);
    expect(await inPipeline(knex, ({ send }) => send(READ, [4]))).toEqual([{ number: 4 }]);
  });

  it('refuses what is sent after its end, which would be in no transaction', async () => {
    let late: (() => Promise<unknown>) | undefined;
    await inPipeline(knex, ({ send }) => {
      late = () => send(KEEP, ['late']);
      return Promise.resolve();
    });
    await expect(late?.()).rejects.toThrow('the transaction has ended');
    expect(await kept()).toEqual([]);
  });
});
