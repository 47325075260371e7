import { migrate } from '../../src/db/migrate';
import { migrations } from '../../src/db/migrations';
import { searchText } from '../../src/models/fold';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;

/** A database in which a migration is the last. */
const migratedTo = async (name: string): Promise<void> => {
  await database.query('drop schema public cascade; create schema public');
  await database.query('create table schema_migrations (name text primary key, applied_at timestamptz default now())');
  const last = migrations.findIndex((migration) => migration.name === name);
  for (const { name: applied, up } of migrations.slice(0, last + 1)) {
    await database.query(up);
    await database.query('insert into schema_migrations (name) values ($1)', [applied]);
  }
};

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it.each(['0001-customers', '0003-search-indexes'])(
  'what search looks through is written anew after %s, once',
  async (name) => {
    await migratedTo(name);
    const customers = [
      { email: 'anna.jensen306@example.com', first_name: 'Anna', last_name: "O'Brien", phone: '+45 93 20 82' },
      { email: 'queen@example.com', first_name: 'Q 🎉🎉', last_name: null, phone: null },
      { email: 'a--b@example.com', first_name: 'Łukasz\nÅse', last_name: 'quist', phone: '' },
    ];
    const insert = `insert into customers (id, email, first_name, last_name, phone, search_text, revision, created_at,
                    updated_at, occurred_at, erased_at, deleted_at)
                  values ($1, $2, $3, $4, $5, $6, 1, now(), now(), now(), $7, $7)`;
    for (const [index, { email, first_name, last_name, phone }] of customers.entries()) {
      await database.query(insert, [String(index), email, first_name, last_name, phone, 'old', null]);
    }
    await database.query(insert, ['erased', null, null, null, null, '', new Date()]);

    const pending = migrations.slice(migrations.findIndex((migration) => migration.name === name) + 1);
    expect(await migrate(database.url)).toEqual(pending.map((migration) => migration.name));
    const rows = await database.query<{ search_text: string }>('select search_text from customers order by id');
    expect(rows.map((row) => row.search_text)).toEqual([...customers.map(searchText), '']);
    expect(await migrate(database.url)).toEqual([]);
  },
);

it('takes its time: a migration is given longer than a call, and who comes second waits for the first', async () => {
  const slow = { name: '9999-slow', up: 'select pg_sleep(6); select pg_sleep(5)' };
  (migrations as (typeof slow)[]).push(slow);
  const applied = await Promise.all([migrate(database.url), migrate(database.url)]);
  expect(applied.flat()).toEqual([slow.name]);
}, 30_000);
