import knexFactory, { type Knex } from 'knex';
import { CustomerFilter } from '../../src/gen/customer/v1/customer';
import { searchText } from '../../src/models/fold';
import { readPage } from '../../src/reads/customer-query/page';
import { createSurvey } from '../../src/reads/customer-query/survey';
import { customerFilter } from '../../src/validation/customer-filter';
import type { Order } from '../../src/validation/paging';
import { planAlongIndexes } from '../support/along-indexes';
import { createTestDatabase, type TestDatabase } from '../support/database';

const ROWS = 100_000;
const LIMIT = 51;

/** A page is cheap when it throws few rows away, or when all that it reads is little. */
const MAX_REMOVED = 20 * LIMIT;
const MAX_BUFFERS = 2_000;

const letter = (n: number): string => String.fromCharCode(97 + n);

/** One came a minute, but all of these in the minute of the first. */
const AT_ONCE = { from: 70_000, to: 90_000 } as const;

/** Every 5th is an Anna, every 2,000th a Zoë; one in 4,001 is registered; every 50th is deleted. */
const person = (i: number) => {
  const other = i % 2000 === 1 ? 'zoë' : `bo${letter(i % 26)}${letter(i % 25)}`;
  const first_name = i % 5 === 0 ? 'anna' : other;
  const last_name = `jens${letter(i % 24)}${letter(i % 23)}sen`;
  const email = `${first_name}.${last_name}${i}@${i % 2 === 0 ? 'gmail.com' : 'mail.dk'}`;
  const phone = `+45${String((i * 7907) % 99999999).padStart(8, '0')}`;
  const texts = { email, first_name, last_name, phone };
  return { i, ...texts, search_text: searchText(texts) };
};

const FILL = `
  insert into customers (id, email, first_name, last_name, phone, phone_key, has_account, password_hash, metadata,
    first_name_folded, last_name_folded, phone_folded, search_text, revision, created_at, updated_at, occurred_at, deleted_at)
  select 'cus_01' || lpad(i::text, 24, '0'), email, first_name, last_name, phone, phone, i % 4001 = 0, case when i % 4001 = 0 then 'x' end,
    jsonb_build_object('tier', case when i % 3 = 0 then 'gold' else 'none' end, 'ref', i),
    first_name, last_name, phone, search_text, 1,
    '2026-01-01'::timestamptz + case when i between ${AT_ONCE.from} and ${AT_ONCE.to} then ${AT_ONCE.from} else i end * interval '1 minute', '2026-06-01'::timestamptz + (i * 7919 % ${ROWS}) * interval '1 minute',
    now(), case when i % 50 = 0 then now() end
  from json_to_recordset($1) as people (i int, email text, first_name text, last_name text, phone text, search_text text)`;

const GROUPS = [40, 2_000, 60_000];
const group = (index: number) => ({ group_ids: [`cgrp_01HZZZZZZZZZZZZZZZZZZZZZZ${index}`] });

let database: TestDatabase;
let knex: Knex;

beforeAll(async () => {
  database = await createTestDatabase();
  const indexes = await database.query<{ name: string; sql: string }>(
    `select indexname as name, indexdef as sql from pg_indexes
      where tablename in ('customers', 'customer_group_members') and indexname !~ 'pkey|email_has_account'`,
  );
  // Built afterwards, because that takes a third of the time.
  await database.query(`drop index ${indexes.map(({ name }) => name).join(', ')}`);
  await database.query(FILL, [JSON.stringify(Array.from({ length: ROWS }, (_, index) => person(index + 1)))]);
  for (const [index, size] of GROUPS.entries()) {
    await database.query(
      `insert into customer_groups (id, name, name_folded, revision, created_at, updated_at) values ($1, $1, '', 1, now(), now())`,
      [group(index).group_ids[0]],
    );
    await database.query(
      `insert into customer_group_members select $1, id, created_at from customers order by md5(id) limit ${size}`,
      [group(index).group_ids[0]],
    );
  }
  for (const { sql } of indexes) await database.query(sql);
  await database.query('vacuum analyze customers, customer_group_members');
  knex = knexFactory({ client: 'pg', connection: database.url, pool: { min: 0, max: 1 } });
}, 120_000);
afterAll(async () => {
  await knex.destroy();
  await database.drop();
});

type Plan = {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Join Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly Plan[];
};

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

const removedBy = (node: Plan): number =>
  node['Actual Loops'] *
  (['Filter', 'Join Filter', 'Index Recheck'] as const).reduce(
    (sum, reason) => sum + (node[`Rows Removed by ${reason}`] ?? 0),
    0,
  );

const surveyIn = createSurvey();

type Seen = { rows: number; buffers: number; removed: number; scans: string[]; stretches: number; ids: string[] };

/** Reads a page, and explains every statement that it took. */
const explained = async (filter: object, order: Order, cursor?: { key: string; id: string }): Promise<Seen> =>
  knex.transaction(async (trx) => {
    const seen: Seen = { rows: 0, buffers: 0, removed: 0, scans: [], stretches: 0, ids: [] };
    await planAlongIndexes(trx);
    const explaining = {
      raw: async (sql: string, bindings: Knex.RawBinding[]) => {
        if (sql.includes('periods_of(')) seen.stretches += 1;
        const { rows } = await trx.raw(`explain (analyze, buffers, timing off, format json) ${sql}`, bindings);
        const plan = rows[0]['QUERY PLAN'][0].Plan as Plan;
        seen.buffers += plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
        seen.removed += nodesOf(plan).reduce((sum, node) => sum + removedBy(node), 0);
        seen.scans.push(
          ...nodesOf(plan)
            .filter((node) => node['Node Type'] === 'Seq Scan')
            .map((node) => node['Relation Name'] ?? ''),
        );
        return trx.raw(sql, bindings);
      },
    } as unknown as Knex.Transaction;
    const query = {
      filter: customerFilter().parse(CustomerFilter.fromPartial(filter)),
      order,
      cursor,
      skip: 0,
      limit: LIMIT,
      columns: ['id', 'email', 'metadata'],
    };
    const found = await readPage(explaining, query, () => surveyIn(trx));
    seen.rows = found.length;
    seen.ids = found.map(({ id }) => id);
    return seen;
  });

const DESCENDING: Order = { by: 'created_at', direction: 'desc' };
const ORDERS: Order[] = (['created_at', 'updated_at', 'email', 'first_name', 'last_name'] as const).flatMap((by) => [
  { by, direction: 'asc' },
  { by, direction: 'desc' },
]);
const MIDDLE: Readonly<Record<Order['by'], string>> = {
  created_at: String(Date.UTC(2026, 1, 10)),
  updated_at: String(Date.UTC(2026, 6, 5)),
  email: 'boma',
  first_name: 'bom',
  last_name: 'jensm',
};
const ID = `cus_01${'5'.repeat(24)}`;
const at = (iso: string) => ({ seconds: Date.parse(iso) / 1_000, nanos: 0 });

const FILTERS: [string, object][] = [
  ['a rare kind', { has_account: true }],
  ['a kind and a range', { has_account: false, created_at: { gte: at('2026-01-20'), lt: at('2026-01-21') } }],
  ['a range of another time', { updated_at: { gte: at('2026-06-20'), lt: at('2026-06-21') } }],
  ['a small group', group(0)],
  ['a mid-size group', group(1)],
  ['a large group', group(2)],
  ['a group and a rare term', { ...group(2), q: 'zoë' }],
  ['a common term', { q: 'anna' }],
  ['a rare term', { q: 'zoë' }],
  ['a term that only one has', { q: 'sen777@' }],
  ['a long term that only one has', { q: 'sen77777' }],
  ['a term that nobody has', { q: 'quagga' }],
  ['two terms', { q: 'anna jensaa' }],
  ['a rare and a common term', { q: 'zoë mail' }],
  ['two letters', { q: 'zo' }],
  ['two letters that begin nothing', { q: 'qq' }],
  ['two beginnings of words', { q: 'zo je' }],
  ['letters that begin words of many', { q: 'a j z' }],
  ['punctuation', { q: '---' }],
  ['punctuation and two letters', { q: '.jo' }],
  ['what begins words of many, but none after punctuation', { q: '.anna' }],
  ['the same of one field', { email: { contains: '.jo' } }],
  ['a part of one field that is common in another', { first_name: { contains: 'jens' } }],
  ['a part of the first name', { first_name: { contains: 'zoë' } }],
  ['a beginning', { last_name: { starts_with: 'jensaa' } }],
  ['an end', { last_name: { ends_with: 'aasen' } }],
  ['an end of the e-mail', { email: { ends_with: '77@gmail.com' } }],
  ['a part of the phone', { phone: { contains: '4577' } }],
  ['a beginning of the phone', { phone: { starts_with: '+450007' } }],
  ['punctuation in a name', { first_name: { contains: '%%%' } }],
  ['rare metadata', { metadata: { ref: 4_711 } }],
  ['common metadata', { metadata: { tier: 'gold' } }],
  ['metadata that nobody has', { metadata: { tier: 'lead' } }],
  ['the deleted', { deleted: 2 }],
  ['a rare kind among the deleted', { deleted: 2, has_account: true }],
  ['a range among all', { deleted: 1, updated_at: { gte: at('2026-06-20'), lt: at('2026-06-21') } }],
  ['all, the deleted too', { deleted: 1 }],
  ['a term among the deleted', { deleted: 2, q: 'anna' }],
  ['a rare term among the deleted', { deleted: 2, q: 'zoë' }],
  ['rare metadata among all', { deleted: 1, metadata: { ref: 4_711 } }],
  ['a rare term among all', { deleted: 1, q: 'zoë' }],
  ['either of two rare things', { any_of: [{ first_name: { equals: 'zoë' } }, { metadata: { ref: 5 } }] }],
  ['ids', { ids: [ID, `cus_01${'7'.padStart(24, '0')}`] }],
];

const expectCheap = (seen: Seen): void => {
  expect(seen.scans.filter((table) => table === 'customers')).toEqual([]);
  if (seen.buffers > MAX_BUFFERS) expect(seen.removed).toBeLessThanOrEqual(MAX_REMOVED);
};

describe('a page of 100,000 customers', () => {
  it.each(ORDERS)('costs what it answers, by $by $direction, first and deep', async (order) => {
    for (const cursor of [undefined, { key: MIDDLE[order.by], id: ID }]) {
      const seen = await explained({}, order, cursor);
      expect(seen.rows).toBe(LIMIT);
      expect(seen.buffers).toBeLessThanOrEqual(400);
    }
  });

  it.each([
    ['created_at', 'desc', { created_at: { lt: at('2026-03-01'), gte: at('2026-01-05') } }],
    ['created_at', 'asc', { created_at: { lt: at('2026-03-01'), gte: at('2026-01-05') } }],
    ['created_at', 'desc', { created_at: { lt: at('2026-03-01') }, has_account: false }],
    ['created_at', 'asc', { created_at: { gt: at('2026-01-05') }, has_account: false }],
    ['updated_at', 'desc', { updated_at: { lt: at('2026-08-01') } }],
    ['updated_at', 'asc', { updated_at: { gte: at('2026-06-10') } }],
    ['email', 'desc', { email: { starts_with: 'bo' } }],
    ['email', 'asc', { email: { starts_with: 'bo' } }],
    ['last_name', 'desc', { last_name: { starts_with: 'jens' } }],
    ['last_name', 'asc', { last_name: { starts_with: 'jens' } }],
  ] as const)('costs as little deep within limits, by %s %s: %j', async (by, direction, filter) => {
    const seen = await explained(filter, { by, direction }, { key: MIDDLE[by], id: ID });
    expect(seen.rows).toBe(LIMIT);
    expect(seen.buffers).toBeLessThanOrEqual(2 * LIMIT);
    expect(seen.removed).toBeLessThanOrEqual(MAX_REMOVED);
  });

  it.each(['asc', 'desc'] as const)('costs as little among many who came at once, %s', async (direction) => {
    const key = String(Date.UTC(2026, 0, 1) + AT_ONCE.from * 60_000);
    const cursor = { key, id: `cus_01${'80000'.padStart(24, '0')}` };
    for (const filter of [{}, { created_at: { gte: at('2026-01-05'), lte: at('2026-03-01') } }]) {
      const seen = await explained(filter, { by: 'created_at', direction }, cursor);
      expect(seen.rows).toBe(LIMIT);
      expect(seen.buffers).toBeLessThanOrEqual(LIMIT / 2);
    }
  });

  it.each(FILTERS)('never reads the table through for %s', async (_, filter) => {
    for (const order of [DESCENDING, ...ORDERS.filter(({ direction }) => direction === 'asc')]) {
      expectCheap(await explained(filter, order));
    }
  });

  it.each(['asc', 'desc'] as const)('looks through one stretch of time for what some have, %s', async (direction) => {
    const soon = Date.UTC(2026, 0, direction === 'asc' ? 3 : 68);
    for (const cursor of [undefined, { key: String(soon), id: ID }]) {
      const seen = await explained({ q: 'boa' }, { by: 'created_at', direction }, cursor);
      expect(seen.stretches).toBeGreaterThan(0);
      const expected = await database.query<{ id: string }>(
        `select id from customers where deleted_at is null and search_text like '%boa%'
            and ($1::timestamptz is null or (created_at, id) ${direction === 'asc' ? '>' : '<'} ($1, $2))
          order by created_at ${direction}, id ${direction} limit ${LIMIT}`,
        [cursor && new Date(Number(cursor.key)), cursor?.id],
      );
      expect(seen.ids).toEqual(expected.map(({ id }) => id));
      expect(seen.buffers).toBeLessThanOrEqual(MAX_BUFFERS);
    }
    expect(await explained({ q: 'zoë' }, { by: 'created_at', direction })).toMatchObject({ stretches: 0 });
  });

  it.each([0, 1, 2])('walks group %i in its own order', async (index) => {
    const seen = await explained(group(index), DESCENDING);
    expect(seen.rows).toBeGreaterThan(30);
    expect(seen.buffers).toBeLessThanOrEqual(500);
  });
});
