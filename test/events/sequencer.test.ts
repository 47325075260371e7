import type { Pool } from 'pg';
import { Client } from 'pg';
import { readLog } from '../../src/events/logged-event';
import { createSequencer } from '../../src/events/sequencer';
import { createTestDatabase, createTestPool, type TestDatabase } from '../support/database';

let database: TestDatabase;
let pool: Pool;
beforeEach(async () => {
  database = await createTestDatabase();
  pool = createTestPool(database.url);
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const insert = `insert into customer_outbox (aggregate_type, aggregate_id, revision, type, occurred_at, data)
                values ('customer', $1, $2, 'customer.updated', now(), '{"id":"x"}')`;
const logged = () =>
  database.query('select position::int, aggregate_id, revision from customer_events order by position');

describe('the sequencer', () => {
  it('numbers what is committed in the order of ids, without gaps', async () => {
    for (let revision = 1; revision <= 5; revision += 1) await database.query(insert, ['a', revision]);
    const { round } = createSequencer(pool);
    expect(await round()).toMatchObject({ moved: 5, behind: false, head: 5 });
    expect(await logged()).toEqual([1, 2, 3, 4, 5].map((n) => ({ position: n, aggregate_id: 'a', revision: n })));
    expect(await database.query('select 1 from customer_outbox')).toEqual([]);
  });

  it('hands over what it moved exactly as the log has it, and nothing of a backlog', async () => {
    for (let revision = 1; revision <= 3; revision += 1) await database.query(insert, ['a', revision]);
    const { round } = createSequencer(pool);
    const { events } = await round();
    expect(events).toHaveLength(3);
    expect(events).toMatchObject(await readLog(pool, 0, { events: 10, bytes: 1_000 }));
    expect(await round()).toMatchObject({ moved: 0, events: [] });
    for (let revision = 4; revision <= 104; revision += 1) await database.query(insert, ['a', revision]);
    expect(await round()).toEqual({ moved: 101, behind: false, head: 104, events: [] });
  });

  it('hands nothing over while nobody asks for it', async () => {
    for (let revision = 1; revision <= 3; revision += 1) await database.query(insert, ['a', revision]);
    expect(await createSequencer(pool, () => false).round()).toEqual({ moved: 3, behind: false, head: 3, events: [] });
    expect(await logged()).toHaveLength(3);
  });

  it('lets two lead in turn, and gives no position twice', async () => {
    for (let revision = 1; revision <= 2_500; revision += 1) await database.query(insert, ['a', revision]);
    const [one, two] = [createSequencer(pool), createSequencer(pool)];
    for (let rounds = 0; rounds < 10; rounds += 1) await Promise.all([one.round(), two.round()]);
    const rows = await logged();
    expect(rows).toHaveLength(2_500);
    expect(rows.every((row) => row['position'] === row['revision'])).toBe(true);
  });

  it('keeps every customer in order while three processes sequence what four writers commit', async () => {
    const until = Date.now() + 1_500;
    const sequence = async (): Promise<void> => {
      const { round } = createSequencer(pool);
      while (Date.now() < until) await round();
    };
    let revision = 0;
    const write = async (): Promise<void> => {
      const client = new Client({ connectionString: database.url });
      await client.connect();
      while (Date.now() < until) {
        await client.query('begin');
        await client.query(`select from event_cursors where name = 'kafka' for update`);
        await client.query(insert, ['hot', (revision += 1)]);
        await client.query('commit');
      }
      await client.end();
    };
    await Promise.all([sequence(), sequence(), sequence(), write(), write(), write(), write()]);
    while ((await createSequencer(pool).round()).moved > 0);
    expect(revision).toBeGreaterThan(100);
    expect(await logged()).toEqual(
      Array.from({ length: revision }, (_, index) => ({
        position: index + 1,
        aggregate_id: 'hot',
        revision: index + 1,
      })),
    );
  });

  it('never passes over a lower id that is still to be committed, so that no customer is overtaken by itself', async () => {
    let beforeMoving = async (): Promise<void> => undefined;
    pool.on('connect', (client) => {
      const query = client.query.bind(client) as (...args: unknown[]) => unknown;
      client.query = (async (...args: [{ readonly name?: string }]) => {
        if (args[0].name === 'move_to_log') await beforeMoving();
        return query(...args);
      }) as never;
    });
    const { round } = createSequencer(pool);
    const quick = async (revision: number): Promise<void> => {
      await database.query(insert, ['quick', revision]);
    };
    for (const revision of [1, 2, 3]) {
      await quick(revision);
      await round();
    }
    const slow = new Client({ connectionString: database.url });
    await slow.connect();
    beforeMoving = async () => {
      await slow.query('begin');
      await slow.query(insert, ['slow', 1]);
      await quick(4);
    };
    await round();
    beforeMoving = async () => undefined;
    await round();
    await slow.query('commit');
    await slow.end();
    await database.query(insert, ['slow', 2]);
    for (let rounds = 0; rounds < 3; rounds += 1) await round();
    const slowOnes = (await logged()).filter((row) => row['aggregate_id'] === 'slow');
    expect(slowOnes).toEqual([
      { position: 5, aggregate_id: 'slow', revision: 1 },
      { position: 6, aggregate_id: 'slow', revision: 2 },
    ]);
  });
});
