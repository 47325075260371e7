import type { Client } from 'pg';
import { fold } from '../src/models/fold';
import { addressRows, customerRow, GROUPS } from './people';
import { say } from './stage';

/** Rows per statement. */
const CHUNK = 5_000;
const TABLES = ['customers', 'addresses', 'customer_groups', 'customer_group_members'];

type Dropped = { readonly drop: string; readonly create: string };

/** What makes loading slow and can be made again afterwards: indexes without a constraint, and foreign keys. */
const slowParts = async (client: Client): Promise<Dropped[]> => {
  const { rows } = await client.query<Dropped>(
    `select format('alter table %s drop constraint %I', conrelid::regclass, conname) as drop,
            format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as create
       from pg_constraint where contype = 'f' and conrelid = any ($1::regclass[])
     union all
     select format('drop index %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
       from pg_index
      where indrelid = any ($1::regclass[]) and not exists (select from pg_constraint where conindid = indexrelid)`,
    [TABLES],
  );
  return rows;
};

/** Inserts rows chunk by chunk; the next chunk is made while the server writes the one before. */
const insertAll = async (
  client: Client,
  table: string,
  count: number,
  rowsOf: (n: number) => readonly object[],
): Promise<void> => {
  let writing: Promise<unknown> = Promise.resolve();
  for (let from = 0; from < count; from += CHUNK) {
    const rows: object[] = [];
    for (let n = from; n < Math.min(from + CHUNK, count); n += 1) rows.push(...rowsOf(n));
    const columns = Object.keys(rows[0] ?? {}).join(', ');
    const text = `insert into ${table} (${columns}) select ${columns} from json_populate_recordset(null::${table}, $1)`;
    const values = [JSON.stringify(rows)];
    await writing;
    writing = client.query({ name: `fill ${table}`, text, values });
    if (from % 250_000 === 0) say(`  ${table}: ${from} of ${count}`);
  }
  await writing;
};

/**
 * Fills an empty database with customers, two addresses each, groups and memberships. In one transaction that begins
 * by emptying the tables and without the indexes, which PostgreSQL need then not log (`wal_level=minimal`).
 */
export const fill = async (client: Client, customers: number): Promise<void> => {
  const slow = await slowParts(client);
  await client.query('begin');
  await client.query(`set local maintenance_work_mem = '1GB'`);
  await client.query(`truncate ${TABLES.join(', ')}`);
  for (const { drop } of slow) await client.query(drop);
  await insertAll(client, 'customers', customers, (n) => [customerRow(n, customers)]);
  await insertAll(client, 'addresses', customers, (n) => addressRows(n, customers));
  for (const { id, name, every } of GROUPS) {
    await client.query(
      `insert into customer_groups (id, name, name_folded, revision, created_at, updated_at)
       values ($1, $2, $3, 1, '2021-01-01', '2021-01-01')`,
      [id, name, fold(name)],
    );
    if (every(customers) <= customers) {
      await client.query(
        `insert into customer_group_members (group_id, customer_id, created_at)
         select $1, id, created_at from customers
          where right(id, 26)::bigint % $2 = 0 and deleted_at is null`,
        [id, every(customers)],
      );
    }
  }
  for (const { create } of slow) {
    const from = Date.now();
    await client.query(create);
    const seconds = Math.round((Date.now() - from) / 1_000);
    if (seconds > 5) say(`  ${create.slice(0, 70)}… ${seconds} s`);
  }
  await client.query('commit');
  await client.query('vacuum (analyze, freeze)');
};
