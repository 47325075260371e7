import type { Knex } from 'knex';
import { createKnex } from '../../src/db/knex';
import { createLogins, type Lock } from '../../src/security/logins';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let knex: Knex;
beforeAll(async () => {
  database = await createTestDatabase();
  knex = createKnex({ url: database.url, poolSize: 10, statementNames: true });
});
afterAll(async () => {
  await knex.destroy();
  await database.drop();
});
beforeEach(() => database.query('delete from login_counters'));

const SECRETS = ['the first secret, which is long enough', 'the second secret, which is long enough'] as const;
const EMAIL = 'anna@example.com';
const patience = { deadline: Infinity, signal: new AbortController().signal };
const loginsBy = (...tokenSecrets: [string, ...string[]]) =>
  createLogins(knex, { tokenSecrets, loginMaxFailures: 3, loginLockSeconds: 60 });
const logins = () => loginsBy(SECRETS[0]);

/** As many attempts that fail, one after the other: what each ran into. */
const fail = async (times: number, source = ''): Promise<(Lock | undefined)[]> => {
  const locks = [];
  for (let n = 0; n < times; n += 1) {
    locks.push((await logins().attempt(EMAIL, source, patience)) ?? (await logins().failed(EMAIL, source)));
  }
  return locks;
};

/** Lets so many seconds pass, as far as the counters know. */
const pass = (seconds: number) =>
  database.query(
    `update login_counters set updated_at = updated_at - $1 * interval '1 second',
                               locked_until = locked_until - $1 * interval '1 second'`,
    [seconds],
  );

const failures = async (): Promise<{ pair: number; whole: number }> => {
  const rows = await database.query<{ is_whole: boolean; failures: number }>(
    'select key = email_key as is_whole, failures from login_counters',
  );
  const of = (wanted: boolean) => rows.find(({ is_whole }) => is_whole === wanted)?.failures ?? 0;
  return { pair: of(false), whole: of(true) };
};

const untilSomebodyWaits = async (): Promise<void> => {
  const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await database.query(waiting)).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('logins', () => {
  it('are locked for a source once they failed too often, and told to be new only once', async () => {
    const locks = await fail(5, 'a');
    expect(locks).toEqual([
      undefined,
      undefined,
      { seconds: 60, isNew: true },
      { seconds: 60, isNew: false },
      { seconds: 60, isNew: false },
    ]);
    expect(await logins().attempt(EMAIL, 'b', patience)).toBeUndefined();
    expect(await logins().attempt('bert@example.com', 'a', patience)).toBeUndefined();
  });

  it('are locked twice as long each time, up to an hour', async () => {
    const seconds = [];
    for (let lock = 0; lock < 8; lock += 1) {
      seconds.push((await fail(3)).at(-1)?.seconds);
      await pass(3_600);
      expect(await logins().attempt(EMAIL, '', patience)).toBeUndefined();
      await logins().takeBack(EMAIL, '');
    }
    expect(seconds).toEqual([60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
  });

  it('are locked for every source after ten times as many failures', async () => {
    for (let source = 0; source < 9; source += 1) await fail(4, `source ${source}`);
    expect(await failures()).toMatchObject({ whole: 27 });
    expect(await fail(2, 'another')).toEqual([undefined, undefined]);
    expect(await fail(1, 'one more')).toEqual([{ seconds: 60, isNew: true }]);
    expect(await logins().attempt(EMAIL, 'never seen', patience)).toEqual({ seconds: 60, isNew: false });
    await pass(61);
    expect(await logins().attempt(EMAIL, 'never seen', patience)).toBeUndefined();
  });

  it('that run into a lock do not count, so that one source cannot lock the e-mail for the others', async () => {
    await fail(3, 'a');
    await Promise.all(Array.from({ length: 60 }, () => logins().attempt(EMAIL, 'a', patience)));
    expect(await failures()).toEqual({ pair: 0, whole: 3 });
  });

  it('that run into a lock write nothing and wait for nobody', async () => {
    await fail(3, 'a');
    const versions = () => database.query('select key, xmin, ctid from login_counters order by key');
    const before = await versions();
    await database.query('begin');
    await database.query('select 1 from login_counters for update');
    expect(await logins().attempt(EMAIL, 'a', patience)).toEqual({ seconds: 60, isNew: false });
    await database.query('commit');
    expect(await versions()).toEqual(before);
  });

  it('of a burst are compared exactly as often as may fail, whatever the interleaving', async () => {
    const locks = await Promise.all(Array.from({ length: 100 }, () => logins().attempt(EMAIL, 'burst', patience)));
    expect(locks.filter((lock) => lock === undefined)).toHaveLength(3);
    expect(locks.filter((lock) => lock?.isNew)).toHaveLength(1);
    const failed = await Promise.all([1, 2, 3].map(() => logins().failed(EMAIL, 'burst')));
    expect(failed).toEqual([undefined, undefined, undefined]);
    expect(await failures()).toEqual({ pair: 0, whole: 3 });
  });

  it('from many sources at once are compared ten times as often', async () => {
    const locks = await Promise.all(
      Array.from({ length: 100 }, (_, index) => logins().attempt(EMAIL, `source ${index % 50}`, patience)),
    );
    expect(locks.filter((lock) => lock === undefined)).toHaveLength(30);
    expect(locks.filter((lock) => lock?.isNew)).toHaveLength(1);
  });

  it('start anew after a success', async () => {
    await fail(3, 'a');
    await fail(2, 'b');
    await logins().clear(EMAIL);
    expect(await database.query('select 1 from login_counters')).toEqual([]);
    expect(await fail(2, 'a')).toEqual([undefined, undefined]);
  });

  it('that were never compared are taken back', async () => {
    await fail(2);
    expect(await logins().attempt(EMAIL, '', patience)).toBeUndefined();
    await logins().takeBack(EMAIL, '');
    expect(await failures()).toEqual({ pair: 2, whole: 2 });
    expect(await logins().attempt(EMAIL, '', patience)).toBeUndefined();
  });

  it('are forgotten after a day, the lengths of their locks too', async () => {
    await fail(3);
    await pass(61);
    await fail(3);
    await pass(86_401);
    await fail(1);
    expect(await failures()).toEqual({ pair: 1, whole: 1 });
    expect((await fail(2)).at(-1)).toEqual({ seconds: 60, isNew: true });
  });

  it('are cleared whatever secret was the first one when they were counted', async () => {
    await loginsBy(...SECRETS).attempt(EMAIL, 'a', patience);
    await loginsBy(SECRETS[1]).attempt(EMAIL, 'a', patience);
    await loginsBy(SECRETS[1], SECRETS[0]).clear(EMAIL);
    expect(await database.query('select 1 from login_counters')).toEqual([]);
  });

  it.each(['attempt', 'failed', 'takeBack', 'clear'] as const)(
    'lock the counter of a source before that of its e-mail, so that %s and others cannot wait in a circle',
    async (step) => {
      await fail(1, 'held');
      await database.query('begin');
      await database.query('select 1 from login_counters where key <> email_key for update');
      const waiting = logins()[step](EMAIL, 'held', patience);
      await untilSomebodyWaits();
      await database.query('select 1 from login_counters where key = email_key for update nowait');
      await database.query('commit');
      await waiting;
    },
  );

  it('keep no e-mail', async () => {
    await fail(1, 'a source');
    const stored = JSON.stringify(await database.query('select * from login_counters'));
    const asText = await database.query<{ text: string }>(`select encode(key, 'escape') as text from login_counters`);
    expect(stored + JSON.stringify(asText)).not.toMatch(/anna|a source/);
  });
});
