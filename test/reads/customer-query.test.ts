import * as fc from 'fast-check';
import { CustomerFilter_Deleted, type Customer } from '../../src/gen/customer/v1/customer';
import { inOrder, isFound, type Known, type LooseFilter } from '../support/naive-filter';
import { startTestService, type TestService } from '../support/service';

const NAMES = [
  ...[
    '',
    'Anna',
    'anna',
    'ANNA-Lena',
    'Anna Maria',
    'İstanbul',
    'ΟΔΥΣΣΕΥΣ',
    'Σίγμας',
    'Ångström',
    'A\u030angstro\u0308m',
  ],
  ...[
    '😀 Smile',
    'x\u0323\u0301y',
    'a_b%c\\d',
    'O’Brien',
    '日本太郎',
    'ﬁn',
    'Straße',
    'J.R.',
    '𝒜lice',
    'Jensen',
    'Jens en',
  ],
];
const LOCALS = ['anna', 'anna.jensen', 'o_b', 'jens+en', 'ångström', 'x', 'straße', '日本', '50%off', 'jr'];
const DOMAINS = ['example.com', 'mail.dk', 'ΟΔΟΣ.gr', 'a.b'];
const PHONES = ['', '', '+45 12 34 56 78', '0045-12345678', '(555) 1.2', '5551/2', 'ext. 7', 'EXT 7', '--'];
const METADATA = [
  {},
  { tier: 'gold' },
  { tier: 'gold', tags: ['a', 'b'], n: 1 },
  { tier: null, tags: ['b', ['c', { d: 1.5 }]] },
  { nested: { tier: 'gold', empty: {} }, 'ü"\\': true },
  { n: 0, tags: [] },
];

let test: TestService;
const known = new Map<string, Known>();
const group_ids: string[] = [];
let all: readonly Known[] = [];

const learn = (customer: Customer | undefined, more: Partial<Known> = {}): void => {
  const before = known.get(customer!.id) ?? { isErased: false, group_ids: new Set<string>() };
  known.set(customer!.id, { ...before, ...more, customer: customer! });
};

/** Customers of every kind; what is known of them comes from the answers to their changes alone. */
const populate = async (): Promise<void> => {
  for (const name of ['One', 'Two', 'Three']) {
    group_ids.push((await test.client.call('createCustomerGroup', { name })).customer_group!.id);
  }
  const at = <T>(list: readonly T[], number: number): T => list[number % list.length]!;
  const create = async (number: number) => {
    const { customer } = await test.client.call(
      'createCustomer',
      {
        email: `${at(LOCALS, number)}${number < 60 ? '' : Math.floor(number / 2)}@${at(DOMAINS, number * 7 + (number >> 3))}`,
        ...(number % 2 === 0 ? {} : { password: 'a good password' }),
        first_name: at(NAMES, number * 5 + (number >> 4)),
        last_name: at(NAMES, number * 3 + (number >> 2)),
        phone: at(PHONES, number * 11 + (number >> 5)),
        metadata: at(METADATA, number + (number >> 3)),
        ...(number % 4 === 0 ? { external_id: `ext ${number}` } : {}),
      },
      PATIENT,
    );
    learn(customer);
    return customer!.id;
  };
  const ids: string[] = [];
  for (let number = 0; number < 330; number += 30) {
    const tried = await Promise.allSettled(Array.from({ length: 30 }, (_, index) => create(number + index)));
    for (const one of tried) {
      if (one.status === 'fulfilled') ids.push(one.value);
      // Some e-mails are taken by one of the kind already: those are no customers.
      else expect(one.reason).toMatchObject({ code: 'ALREADY_EXISTS' });
    }
  }
  for (const [index, id] of group_ids.entries()) {
    const customer_ids = ids.filter((_, number) => number % (2 + 3 * index) === 0);
    await test.client.call('addCustomersToGroup', { id, customer_ids });
    for (const one of customer_ids) {
      const before = known.get(one)!;
      known.set(one, { ...before, group_ids: new Set([...before.group_ids, id]) });
    }
  }
  const change = async (id: string, number: number) => {
    learn((await test.client.call('getCustomer', { id })).customer);
    if (number % 6 === 1)
      learn((await test.client.call('updateCustomer', { id, last_name: at(NAMES, number) })).customer);
    if (number % 7 === 2) learn((await test.client.call('deleteCustomer', { id })).customer);
    if (number % 28 === 2) learn((await test.client.call('restoreCustomer', { id })).customer);
    if (number % 31 !== 3) return;
    await test.client.call('eraseCustomer', { id });
    learn(known.get(id)?.customer, { isErased: true });
  };
  await Promise.all(ids.map(change));
  all = [...known.values()];
};

/** A part of something that is stored, whole or cut, as it is or in capitals, or something that hardly is. */
const partOf = (field: 'email' | 'first_name' | 'last_name' | 'phone', min: number) =>
  fc
    .tuple(fc.nat(), fc.nat(12), fc.integer({ min, max: 8 }), fc.boolean(), fc.nat(9))
    .map(([which, from, length, isUpper, chance]) => {
      if (chance === 0) return ['%%%', '___', '\\\\\\', 'zzz', '😀 s', ' an'][which % 6]!;
      const texts = all
        .flatMap(({ customer }) => customer[field] ?? [])
        .filter((text) => Array.from(text).length >= min);
      const text = Array.from(texts[which % texts.length]!);
      const start = Math.min(from, text.length - min);
      const part = text.slice(start, start + length).join('');
      const result = (isUpper ? part.toUpperCase() : part).normalize('NFC');
      return Array.from(result).length < min ? 'abc' : result;
    });
/** A value once in so many times, else nothing: filters of few conditions find somebody, those of many nobody. */
const onceIn =
  (times: number) =>
  <T>(value: fc.Arbitrary<T>) =>
    fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
const [some, rarely, hardlyEver] = [onceIn(2), onceIn(8), onceIn(20)];
const stored = <T>(pick: (known: Known) => T | undefined) =>
  fc.nat().map((number) => {
    const values = all.flatMap((one) => pick(one) ?? []);
    return values[number % values.length] as T;
  });

const texts = (field: 'email' | 'first_name' | 'last_name' | 'phone') => {
  const whole = stored(({ customer }) => customer[field]);
  return fc.oneof(
    fc.record({ equals: whole }),
    fc.record({ in: fc.array(whole, { maxLength: 4 }) }),
    fc.record({ contains: partOf(field, 3) }),
    fc.record({ starts_with: partOf(field, 1) }),
    fc.record({ ends_with: partOf(field, 3) }),
    fc.record({ is_null: fc.boolean() }),
    fc.record({ starts_with: some(partOf(field, 1)), contains: some(partOf(field, 3)), is_null: rarely(fc.boolean()) }),
  );
};

const times = (field: 'created_at' | 'updated_at' | 'deleted_at') => {
  const bound = fc
    .tuple(
      stored(({ customer }) => customer[field]),
      fc.constantFrom(0, 0, 0, -500_000, 1, 999_999),
    )
    .map(([{ seconds, nanos }, off]) => ({ seconds, nanos: Math.min(999_999_999, Math.max(0, nanos + off)) }));
  return fc.record({ gt: rarely(bound), gte: some(bound), lt: some(bound), lte: rarely(bound) });
};

const conditions = {
  ids: rarely(
    fc.array(
      stored(({ customer }) => customer.id),
      { maxLength: 9 },
    ),
  ),
  emails: rarely(
    fc.array(
      stored(({ customer }) => customer.email),
      { maxLength: 9 },
    ),
  ),
  phones: rarely(
    fc.array(
      stored(({ customer: { phone } }) => (phone === '--' ? undefined : phone)),
      { maxLength: 3 },
    ),
  ),
  external_ids: rarely(
    fc.array(
      stored(({ customer }) => customer.external_id),
      { maxLength: 9 },
    ),
  ),
  group_ids: rarely(
    fc.array(
      stored(({ group_ids: [one] }) => one),
      { maxLength: 2 },
    ),
  ),
  has_account: rarely(fc.boolean()),
  email: rarely(texts('email')),
  first_name: rarely(texts('first_name')),
  last_name: rarely(texts('last_name')),
  phone: rarely(texts('phone')),
  created_at: rarely(times('created_at')),
  updated_at: rarely(times('updated_at')),
  deleted_at: hardlyEver(times('deleted_at')),
  metadata: rarely(
    fc.constantFrom(
      ...[{}, { tier: 'gold' }, { tier: null }, { tags: ['b'] }, { tags: [] }, { tags: [['c']] }, { nested: {} }],
      ...[{ nested: { tier: 'gold' } }, { n: 1 }, { n: 0 }, { 'ü"\\': true }, { tags: [[{ d: 1.5 }]] }, { no: 'one' }],
    ),
  ),
};

const term = fc.oneof(
  { weight: 4, arbitrary: partOf('first_name', 1) },
  { weight: 4, arbitrary: partOf('email', 1) },
  { weight: 2, arbitrary: partOf('phone', 1) },
  { weight: 1, arbitrary: fc.constantFrom('%', '_', '+', '😀', 'an', 'j', 'ja', '.', 'ab_', '\\') },
);
const search = fc.oneof(
  fc.array(term, { minLength: 1, maxLength: 3 }).map((terms) => terms.join(' ')),
  stored(({ customer }) => customer.id),
);

const DELETED = [
  CustomerFilter_Deleted.DELETED_UNSPECIFIED,
  CustomerFilter_Deleted.DELETED_INCLUDE,
  CustomerFilter_Deleted.DELETED_ONLY,
];

const filter: fc.Arbitrary<LooseFilter> = fc.record({
  ...conditions,
  q: rarely(search),
  deleted: some(fc.constantFrom(...DELETED)),
  any_of: rarely(fc.array(fc.record(conditions), { maxLength: 4 })),
}) as fc.Arbitrary<LooseFilter>;

const ORDERS = ['created_at', 'updated_at', 'email', 'first_name', 'last_name'].flatMap((column) => [
  column,
  `${column} asc`,
  `${column} desc`,
]);

type Query = {
  readonly filter: LooseFilter;
  readonly order_by: string;
  readonly page_size: number;
  readonly skip: number;
};

const anyQuery: fc.Arbitrary<Query> = fc.record({
  filter,
  order_by: fc.constantFrom('', ...ORDERS),
  page_size: fc.constantFrom(1, 2, 7, 50, 1_000),
  skip: fc.constantFrom(0, 0, 0, 1, 5, 400),
});

/** Page by page from one limit to the other of what is ordered. */
const queryWithinLimits: fc.Arbitrary<Query> = fc
  .tuple(
    fc.oneof(
      ...(['email', 'first_name', 'last_name'] as const).map((by) =>
        partOf(by, 1).map((part) => [by, { starts_with: Array.from(part).slice(0, 2).join('') }] as const),
      ),
      ...(['created_at', 'updated_at'] as const).map((by) => times(by).map((limits) => [by, limits] as const)),
    ),
    fc.constantFrom('asc', 'desc'),
    fc.constantFrom(3, 7, 20, 50),
  )
  .map(([[by, limits], direction, page_size]) => ({
    filter: { [by]: limits },
    order_by: `${by} ${direction}`,
    page_size,
    skip: 0,
  }));

const query = fc.oneof({ weight: 4, arbitrary: anyQuery }, { weight: 1, arbitrary: queryWithinLimits });

/** What is asked is right or wrong, however busy the machine is. */
const PATIENT = { deadlineMs: 120_000 };

/** At most so many pages of one query: the rest is more of the same. */
const MAX_PAGES = 4;

/** Filters in all, so many at once, and how many of them found somebody. */
const RUNS = 100;
const AT_ONCE = 20;
let fruitful = 0;

const check = async ({ filter: asked, order_by, page_size, skip }: Query) => {
  const expected = all.filter((one) => isFound(one, asked)).sort(inOrder(order_by));
  if (expected.length > 0) fruitful += 1;
  const request = { filter: asked as never, order_by, page_size, read_mask: ['id'] };
  const ids: string[] = [];
  let page_token = '';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const first = page === 0 ? { skip, include_total_size: true } : { page_token };
    const answer = await test.client.call('listCustomers', { ...request, ...first }, PATIENT);
    if (page === 0) expect(answer.total_size).toBe(expected.length);
    ids.push(...answer.customers.map(({ id }) => id));
    page_token = answer.next_page_token;
    if (page_token === '') break;
  }
  const wanted = expected.slice(skip, skip + MAX_PAGES * page_size).map(({ customer }) => customer.id);
  expect(ids).toEqual(wanted);
  expect(page_token !== '').toBe(expected.length > skip + ids.length && ids.length > 0);
};

beforeAll(async () => {
  test = await startTestService();
  await populate();
}, 60_000);
afterAll(() => test.stop());

describe('ListCustomers', () => {
  it('finds exactly what a naive look at every customer finds, in the same order, page by page', async () => {
    expect(all.length).toBeGreaterThan(200);
    await fc.assert(
      fc.asyncProperty(fc.array(query, { minLength: AT_ONCE, maxLength: AT_ONCE }), (queries) =>
        Promise.all(queries.map(check)).then(() => undefined),
      ),
      { numRuns: RUNS },
    );
    expect(fruitful).toBeGreaterThan((RUNS * AT_ONCE) / 2);
  }, 600_000);
});
