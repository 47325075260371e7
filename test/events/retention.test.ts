import { createKnex } from '../../src/db/knex';
import { removeOldEvents } from '../../src/events/retention';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let knex: ReturnType<typeof createKnex>;
beforeEach(async () => {
  database = await createTestDatabase();
  knex = createKnex({ url: database.url, poolSize: 4, statementNames: true });
  await database.query(
    `insert into customer_events (position, aggregate_type, aggregate_id, revision, type, occurred_at, data)
     select n, 'customer', 'a', n, 'customer.updated', now() - (31 - n) * interval '1 day' + interval '1 minute', '{}'
       from generate_series(1, 30) as n`,
  );
  await database.query(`update event_cursors set position = 30 where name = 'log'`);
});
afterEach(async () => {
  await knex.destroy();
  await database.drop();
});

const kept = async (): Promise<number[]> => {
  const rows = await database.query<{ position: number }>('select position::integer from customer_events order by 1');
  return rows.map(({ position }) => position);
};
const from = (first: number) => Array.from({ length: 31 - first }, (_, index) => first + index);

describe('the retention of events', () => {
  it('removes what is older, from the old end', async () => {
    await removeOldEvents(knex, 10);
    expect(await kept()).toEqual(from(21));
  });

  it('never goes beyond the cursor of a sink that was ever led, or what is still to be replayed', async () => {
    await database.query(`update event_cursors set epoch = 1, position = 7 where name = 'kafka-state'`);
    await database.query(
      `insert into event_replays (id, after_position, until_position, position) values ('one', 2, 30, 4)`,
    );
    await removeOldEvents(knex, 1);
    expect(await kept()).toEqual(from(5));
    await database.query('update event_replays set finished_at = now()');
    await removeOldEvents(knex, 1);
    expect(await kept()).toEqual(from(8));
  });

  it('stops at the first event that is young, whatever lies behind it', async () => {
    await database.query('update customer_events set occurred_at = now() where position = 6');
    await removeOldEvents(knex, 1);
    expect(await kept()).toEqual(from(6));
  });

  it('takes what is parked along, and leaves no hole when several do it at once', async () => {
    await database.query(
      `insert into event_dead_letters (sink, position, aggregate_id, reason)
       values ('kafka', 3, 'a', 'MESSAGE_TOO_LARGE'), ('kafka', 25, 'a', 'MESSAGE_TOO_LARGE')`,
    );
    await Promise.all([1, 2, 3, 4].map(() => removeOldEvents(knex, 10)));
    expect(await kept()).toEqual(from(21));
    expect(await database.query('select position::integer from event_dead_letters')).toEqual([{ position: 25 }]);
  });
});
