import fc from 'fast-check';
import knexFactory, { type Knex } from 'knex';
import { CustomerFilter } from '../../src/gen/customer/v1/customer';
import { searchText } from '../../src/models/fold';
import { compileFilter } from '../../src/reads/customer-query/conditions';
import { COST, readPage } from '../../src/reads/customer-query/page';
import type { RarityIn } from '../../src/reads/customer-query/pieces';
import { createSurvey, type Survey } from '../../src/reads/customer-query/survey';
import { customerFilter } from '../../src/validation/customer-filter';
import type { Direction } from '../../src/validation/paging';
import { planAlongIndexes } from '../support/along-indexes';
import { createTestDatabase, type TestDatabase } from '../support/database';

type Person = {
  readonly first_name: string;
  readonly last_name: string;
  readonly number: number;
  readonly came: number;
  readonly isDeleted: boolean;
};

const DAY = 86_400_000;
const BEGIN = Date.UTC(2020, 0, 1);
const day = fc.integer({ min: 0, max: 40 });

/** Many at one time, some at the ends of days, most in forty days, and few in ten thousand years. */
const came = fc.oneof(
  { weight: 4, arbitrary: fc.constant(BEGIN + 20 * DAY) },
  { weight: 4, arbitrary: day.map((n) => BEGIN + n * DAY) },
  { weight: 1, arbitrary: day.map((n) => BEGIN + n * DAY - 1) },
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 * DAY }).map((ms) => BEGIN + ms) },
  { weight: 1, arbitrary: fc.constantFrom(...[1, 1999, 2100, 9998].map((year) => new Date(0).setUTCFullYear(year))) },
);
const person: fc.Arbitrary<Person> = fc.record({
  first_name: fc.constantFrom('anna', 'bo', 'clara', 'zoë'),
  last_name: fc.constantFrom('jensen', 'novák', 'quist'),
  number: fc.integer({ min: 0, max: 99 }),
  came,
  isDeleted: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
});

const INSERT = `
  insert into customers (id, email, first_name, last_name, metadata, first_name_folded, last_name_folded, search_text,
    revision, created_at, updated_at, occurred_at, deleted_at)
  select 'cus_' || lpad((i * 7919 % 100003)::text, 26, '0'), email, first_name, last_name,
    jsonb_build_object('n', number % 10), first_name, last_name, search_text, 1, came, now(), now(),
    case when "isDeleted" then now() end
  from json_to_recordset($1) as people (i int, email text, first_name text, last_name text, number int,
    search_text text, came timestamptz, "isDeleted" bool)`;

let database: TestDatabase;
let knex: Knex;
let inserted = 0;
let stretches = 0;

const insert = async (people: readonly Person[]): Promise<void> => {
  const rows = people.map((one) => {
    const i = (inserted += 1);
    const texts = { ...one, email: `${one.first_name}${one.number}.${i}@example.com`, phone: null };
    return { ...texts, i, came: new Date(one.came), search_text: searchText(texts) };
  });
  await database.query(INSERT, [JSON.stringify(rows)]);
};

/** As if there were ten thousand times as many, and no other way to find them: few are not looked for in stretches. */
const exaggerated = ({ customers, times, rarityIn }: Survey): Survey => {
  const many: RarityIn = (column) => {
    const { texts, having } = rarityIn(column);
    return { texts: 10_000 * texts, having: (piece) => 10_000 * having(piece) };
  };
  return { customers: 10_000 * customers, times, rarityIn: many };
};

const take = (): Promise<Survey> => knex.transaction(async (trx) => exaggerated(await createSurvey()(trx)));

type Asked = {
  readonly filter: object;
  readonly direction: Direction;
  readonly size: number;
  readonly skip: number;
};

/** The ids of some pages, each behind the one before. */
const readPages = async ({ filter, direction, size, skip }: Asked, survey: Survey, pages: number): Promise<string[]> =>
  knex.transaction(async (trx) => {
    await planAlongIndexes(trx);
    let statements = 0;
    const counting = {
      raw: (sql: string, bindings: Knex.RawBinding[]) => {
        if (sql.includes('periods_of')) stretches += 1;
        if ((statements += 1) > 20 * pages) throw new Error('this will never end');
        return trx.raw(sql, bindings);
      },
    } as unknown as Knex.Transaction;
    const ids: string[] = [];
    for (let page = 0, cursor: { key: string; id: string } | undefined; page < pages; page += 1) {
      const query = {
        filter: customerFilter().parse(CustomerFilter.fromPartial(filter)),
        order: { by: 'created_at', direction } as const,
        cursor,
        skip: page === 0 ? skip : 0,
        limit: size + 1,
        columns: ['id'],
      };
      const found = await readPage(counting, query, () => Promise.resolve(survey));
      ids.push(...found.slice(0, size).map(({ id }) => id));
      const last = found[size - 1];
      if (found.length <= size || last === undefined) break;
      cursor = { key: String((last.sort_key as Date).getTime()), id: last.id };
    }
    return ids;
  });

/** The same by a look at every customer. */
const lookAtAll = async ({ filter, direction, size, skip }: Asked, pages: number): Promise<string[]> => {
  const { sql, bindings } = compileFilter(customerFilter().parse(CustomerFilter.fromPartial(filter)));
  const { rows } = await knex.raw<{ rows: { id: string }[] }>(
    `select id from customers where ${sql} order by created_at ${direction}, id ${direction} offset ? limit ?`,
    [...bindings, skip, pages * size] as Knex.RawBinding[],
  );
  return rows.map(({ id }) => id);
};

beforeEach(async () => {
  database = await createTestDatabase();
  knex = knexFactory({ client: 'pg', connection: database.url, pool: { min: 0, max: 4 } });
  [inserted, stretches] = [0, 0];
  jest.replaceProperty(COST, 'stretch', 0);
  jest.replaceProperty(COST, 'step', 1_000_000);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await knex.destroy();
  await database.drop();
});

const q = fc.constantFrom(
  'anna',
  'jensen',
  'anna jensen',
  'zoë novák',
  'anna clara',
  'an',
  'bo 7',
  '77',
  'example quist',
);
const time = fc
  .oneof(came, fc.constant(BEGIN + 20 * DAY))
  .map((ms) => ({ seconds: Math.floor(ms / 1_000), nanos: (((ms % 1_000) + 1_000) % 1_000) * 1_000_000 }));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 1 });
const asked: fc.Arbitrary<Asked> = fc.record({
  filter: fc.record({
    q: fc.option(q, { nil: '', freq: 5 }),
    metadata: maybe(fc.constantFrom({ n: 3 }, { n: 77 })),
    created_at: maybe(fc.record({ gt: maybe(time), gte: maybe(time), lt: maybe(time), lte: maybe(time) })),
    deleted: fc.constantFrom(0, 0, 1, 2),
    any_of: fc.option(fc.constant([{ first_name: { equals: 'anna' } }, { metadata: { n: 5 } }]), { nil: [], freq: 8 }),
  }),
  direction: fc.constantFrom('asc', 'desc'),
  size: fc.constantFrom(1, 3, 10, 50, 200),
  skip: fc.constantFrom(0, 0, 3, 40),
});

const PAGES = 5;

it('pages found in stretches of time are those that a look at every customer finds', async () => {
  await insert(fc.sample(person, { numRuns: 1_500, seed: 1 }));
  const survey = await take();
  // Those who came after the survey was taken.
  const late = fc.sample(person, { numRuns: 100, seed: 2 });
  await insert(late.map((one, index) => ({ ...one, came: BEGIN + 40 * DAY + index * 3_600_000 })));
  await database.query('analyze customers');
  await fc.assert(
    fc.asyncProperty(asked, async (one) => {
      expect(await readPages(one, survey, PAGES)).toEqual(await lookAtAll(one, PAGES));
    }),
    { numRuns: 400 },
  );
  expect(stretches).toBeGreaterThan(400);
}, 120_000);

it('a stretch ends where many came at once, at the very beginning of its day', async () => {
  const some = fc.sample(person, { numRuns: 2_000, seed: 3 });
  await insert(
    some.map((one, index) => ({
      ...one,
      first_name: index % 8 === 0 ? 'anna' : 'bo',
      last_name: index % 8 === 1 || (index < 100 && index % 8 === 0) ? 'jensen' : 'quist',
      came: index < 100 ? BEGIN + 50 * DAY - index * 60_000 : BEGIN,
      isDeleted: false,
    })),
  );
  const survey = await take();
  for (const direction of ['desc', 'asc'] as const) {
    const one = { filter: { q: 'anna jensen' }, direction, size: 50, skip: 0 };
    const found = await lookAtAll(one, 1);
    expect(found).toHaveLength(13);
    expect(await readPages(one, survey, 1)).toEqual(found);
  }
  expect(stretches).toBeGreaterThan(0);
}, 60_000);
