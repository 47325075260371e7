import type { TestDatabase } from './database';

/** Puts guests straight into the table, for tests that need many; answers their ids. */
export const insertCustomers = async (database: TestDatabase, name: string, count: number): Promise<string[]> => {
  const rows = await database.query<{ id: string }>(
    `insert into customers (id, email, revision, created_at, updated_at, occurred_at)
     select 'cus_0' || lpad(upper(to_hex(n)), 5, '0') || upper(left(md5($1), 20)), $1 || n || '@example.com', 1, now(), now(), now()
       from generate_series(1, $2::int) n returning id`,
    [name, count],
  );
  return rows.map(({ id }) => id);
};
