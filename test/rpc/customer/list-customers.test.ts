import { Customer_Relation } from '../../../src/gen/customer/v1/customer';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => {
  test = await startTestService();
  for (let number = 0; number < 12; number += 1) await create(number);
});
afterAll(() => test.stop());

const create = async (number: number) =>
  test.client.call('createCustomer', {
    email: `c${String(number).padStart(2, '0')}@example.com`,
    first_name: number % 3 === 0 ? 'Anna' : 'Bo',
    phone: `555 ${number}`,
  });

const list = (request: Parameters<typeof test.client.call<'listCustomers'>>[1]) =>
  test.client.call('listCustomers', request);
const refusal = (request: object) => test.client.refusal(list(request));
const emails = async (request: object) => (await list(request)).customers.map(({ email }) => email.slice(0, 3));

describe('ListCustomers', () => {
  it('answers the newest first when nothing is asked', async () => {
    expect(await emails({ page_size: 3 })).toEqual(['c11', 'c10', 'c09']);
  });

  it('narrows by the mask and answers the relations asked for', async () => {
    const { customer_group } = await test.client.call('createCustomerGroup', { name: 'Listed' });
    const [last] = (await list({ page_size: 1 })).customers;
    await test.client.call('addCustomersToGroup', { id: customer_group!.id, customer_ids: [last!.id] });
    const expand = [Customer_Relation.RELATION_GROUPS];
    const { customers } = await list({ page_size: 2, read_mask: ['email'], expand });
    expect(customers.map(({ groups }) => groups.map(({ name }) => name))).toEqual([['Listed'], []]);
    expect(customers[0]).toMatchObject({ id: last!.id, email: 'c11@example.com', has_account: false });
    expect(customers[0]?.created_at ?? customers[0]?.metadata ?? customers[0]?.first_name).toBeUndefined();
    const filter = { group_ids: [customer_group!.id] };
    expect(await list({ filter, include_total_size: true })).toMatchObject({ total_size: 1, next_page_token: '' });
    expect((await test.client.call('countCustomers', { filter })).count).toBe(1);
  });

  it('neither skips nor repeats what stays, while others come and go between pages', async () => {
    const filter = { email: { starts_with: 'stay' } };
    const ids: string[] = [];
    for (let number = 0; number < 9; number += 1) {
      const { customer } = await test.client.call('createCustomer', { email: `stay${number}@example.com` });
      ids.push(customer!.id);
    }
    const first = await list({ filter, order_by: 'email', page_size: 3 });
    await test.client.call('deleteCustomer', { id: ids[2]! });
    await test.client.call('deleteCustomer', { id: ids[5]! });
    await test.client.call('createCustomer', { email: 'stay00@example.com' });
    await test.client.call('createCustomer', { email: 'stay33@example.com' });
    const page_token = first.next_page_token;
    const second = await list({ filter, order_by: 'email', page_size: 1_000, page_token });
    expect(second.customers.map(({ email }) => email.split('@')[0])).toEqual(
      ['33', '3', '4', '6', '7', '8'].map((number) => `stay${number}`),
    );
  });

  it('takes a token only as it was made, for the same filter, order and mask', async () => {
    const request = { filter: { first_name: { equals: 'bo' } }, order_by: 'email', page_size: 2, read_mask: ['email'] };
    const { next_page_token } = await list(request);
    expect(await emails({ ...request, page_token: next_page_token, page_size: 3 })).toEqual(['c04', 'c05', 'c07']);
    const others = [
      { filter: { first_name: { equals: 'anna' } } },
      { order_by: 'email desc' },
      { read_mask: ['phone'] },
      { filter: undefined },
    ];
    for (const other of others) {
      expect(await refusal({ ...request, ...other, page_token: next_page_token })).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'PAGE_TOKEN_INVALID',
      });
    }
    for (let place = 0; place < next_page_token.length; place += 1) {
      const character = next_page_token[place] === 'A' ? 'B' : 'A';
      const page_token = `${next_page_token.slice(0, place)}${character}${next_page_token.slice(place + 1)}`;
      expect((await refusal({ ...request, page_token })).reason).toBe('PAGE_TOKEN_INVALID');
    }
    for (const page_token of [' ', 'x', `${next_page_token}=`, `${next_page_token}A`, 'A'.repeat(100)]) {
      expect((await refusal({ ...request, page_token })).reason).toBe('PAGE_TOKEN_INVALID');
    }
  });

  it('takes tokens of a secret that is on its way out', async () => {
    const [older, newer] = ['an older secret that is long enough', 'a newer secret that is long enough !'];
    const start = (TOKEN_SECRET: string) =>
      startTestService({ database: test.database, env: { TOKEN_SECRET, RELAY: 'off' } });
    const [before, between, after] = await Promise.all([start(older), start(`${newer},${older}`), start(newer)]);
    const token = async (service: TestService) =>
      (await service.client.call('listCustomers', { page_size: 1 })).next_page_token;
    const old = await token(before);
    const turn = (service: TestService, page_token: string) =>
      service.client.call('listCustomers', { page_size: 1, page_token });
    expect((await turn(between, old)).customers).toHaveLength(1);
    expect((await turn(after, await token(between))).customers).toHaveLength(1);
    expect(await after.client.refusal(turn(after, old))).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
    await Promise.all([before, between, after].map((service) => service.stop()));
  });

  it('passes rows over, and holds 1,000 rows a page at most', async () => {
    expect(await emails({ filter: { q: 'c0' }, order_by: 'email', skip: 8 })).toEqual(['c08', 'c09']);
    expect(await emails({ filter: { q: 'c0' }, order_by: 'email', skip: 100_000 })).toEqual([]);
    expect((await list({ page_size: 2_000_000_000 })).customers.length).toBeGreaterThan(12);
  });

  it('finds a long part as it stands, not its pieces apart', async () => {
    for (const last_name of ['Senjenson', 'Jensen', 'Van Jensenius', 'Two Jen Sen'])
      await test.client.call('createCustomer', { email: `${last_name.slice(0, 3)}@pieces.example`, last_name });
    const found = (filter: object) => emails({ filter, order_by: 'email' });
    expect(await found({ last_name: { contains: 'JENSEN' } })).toEqual(['jen', 'van']);
    expect(await found({ last_name: { contains: 'jensenius' } })).toEqual(['van']);
    expect(await found({ q: 'nsenius' })).toEqual(['van']);
    expect(await found({ q: 'senjen' })).toEqual(['sen']);
    expect(await found({ last_name: { contains: 'jensenn' } })).toEqual([]);
  });

  it('ends a page early rather than answer more than a client takes', async () => {
    const metadata = { text: 'x'.repeat(16_000) };
    const filter = { q: 'heavy' };
    const made = Array.from({ length: 300 }, (_, number) =>
      test.client.call('createCustomer', { email: `heavy${number}@example.com`, metadata }, { deadlineMs: 60_000 }),
    );
    const ids = (await Promise.all(made)).map(({ customer }) => customer!.id);
    const pages: string[][] = [];
    for (let page_token = ''; pages.length === 0 || page_token !== '';) {
      const page = await list({
        filter,
        page_size: 1_000,
        page_token,
        order_by: 'created_at',
        include_total_size: true,
      });
      expect(page.total_size).toBe(300);
      pages.push(page.customers.map(({ id }) => id));
      page_token = page.next_page_token;
    }
    expect(pages.map(({ length }) => length)).toEqual([expect.any(Number), expect.any(Number)]);
    expect(pages[0]!.length).toBeGreaterThan(200);
    expect(new Set(pages.flat())).toEqual(new Set(ids));
    const { customers } = await list({ filter, page_size: 1_000, read_mask: ['email'] });
    expect(customers).toHaveLength(300);
    await Promise.all(ids.map((id) => test.client.call('deleteCustomer', { id }, { deadlineMs: 60_000 })));
  });

  it('finds the deleted only when asked to, and the erased never', async () => {
    const made = ['gone', 'erased'].map((name) =>
      test.client.call('createCustomer', { email: `${name}@deleted.example`, first_name: 'Zoe' }),
    );
    const [gone, erased] = (await Promise.all(made)).map(({ customer }) => customer!.id) as [string, string];
    const addressed = await test.client.call('addAddress', {
      customer_id: gone,
      address: { first_name: 'A', last_name: 'B', address_1: 'C', city: 'D', country_code: 'dk', postal_code: '1' },
    });
    expect(addressed.created).toBe(true);
    await test.client.call('deleteCustomer', { id: gone });
    await test.client.call('eraseCustomer', { id: erased });
    const find = async (deleted: number) => {
      const expand = [Customer_Relation.RELATION_ADDRESSES];
      const filter = { first_name: { equals: 'ZOE' }, deleted: deleted as never };
      return (await list({ filter, expand })).customers;
    };
    expect(await find(0)).toEqual([]);
    for (const deleted of [1, 2]) {
      const found = await find(deleted);
      expect(found).toMatchObject([{ id: gone, addresses: [] }]);
      expect(found[0]?.deleted_at).toBeDefined();
    }
    expect(await list({ filter: { ids: [erased], deleted: 1 as never } })).toMatchObject({ customers: [] });
  });

  it('names every fault at once', async () => {
    const filter = {
      q: 'a b c d e f g h i j k',
      ids: ['cus_1'],
      emails: ['', 'nobody'],
      phones: ['--'],
      external_ids: [''],
      group_ids: ['x'],
      email: { contains: 'ab', ends_with: '%%', starts_with: '', equals: ' ' },
      phone: { in: ['ok', ''] },
      created_at: { gt: { seconds: 253_402_300_800, nanos: 0 } },
      deleted_at: { lte: { seconds: 0, nanos: -1 } },
      metadata: { 'a\0': 1 },
      deleted: 7 as never,
      any_of: [{ q: 'a' }, { deleted: 1 as never }, { any_of: [{}] }],
    };
    const { any_of, deleted, ...others } = filter;
    expect((await refusal({ filter: { any_of, deleted }, order_by: 'phone', page_size: -1, skip: -1 })).fields).toEqual(
      [
        'filter.deleted',
        'filter.any_of[0].q',
        'filter.any_of[1].deleted',
        'filter.any_of[2].any_of',
        'order_by',
        'page_size',
        'skip',
      ],
    );
    expect((await refusal({ filter: others })).fields).toEqual([
      'filter.ids[0]',
      'filter.emails[0]',
      'filter.emails[1]',
      'filter.phones[0]',
      'filter.external_ids[0]',
      'filter.group_ids[0]',
      'filter.email.equals',
      'filter.email.contains',
      'filter.email.starts_with',
      'filter.email.ends_with',
      'filter.phone.in[1]',
      'filter.created_at.gt',
      'filter.deleted_at.lte',
      'filter.metadata.a\0',
      'filter.q',
    ]);
  });

  it.each([
    ['order_by', { order_by: 'email up' }],
    ['order_by', { order_by: 'email asc, id' }],
    ['skip', { skip: 100_001 }],
    ['skip', { skip: 1, page_token: 'x' }],
    ['page_token', { page_token: 'x'.repeat(5_000) }],
    ['read_mask', { read_mask: ['password_hash'] }],
    ['expand[0]', { expand: [0 as never] }],
    ['filter.q', { filter: { q: 'x'.repeat(201) } }],
    ['filter.q', { filter: { q: 'a\0b' } }],
    ['filter.any_of', { filter: { any_of: Array.from({ length: 21 }, () => ({})) } }],
    ['filter.ids', { filter: { ids: Array.from({ length: 1_001 }, () => 'x') } }],
    ['filter.first_name.in', { filter: { first_name: { in: Array.from({ length: 1_001 }, () => 'x') } } }],
    ['filter.first_name.contains', { filter: { first_name: { contains: 'a\0bc' } } }],
    ['filter.last_name.contains', { filter: { last_name: { contains: '😀😀' } } }],
    ['filter.metadata', { filter: { metadata: { long: 'x'.repeat(17_000) } } }],
  ])('refuses %s in %j', async (field, request) => {
    expect(await refusal(request)).toMatchObject({ reason: 'INVALID_REQUEST', fields: [field] });
  });

  it('matches nothing, rather than fails, where nothing can match', async () => {
    const [early, late] = [
      { seconds: 0, nanos: 0 },
      { seconds: 253_402_300_799, nanos: 999_999_999 },
    ];
    const filters = [
      { q: '%' },
      { q: '--' },
      { q: 'x'.repeat(200) },
      { created_at: { gt: late } },
      { created_at: { gte: late } },
      { created_at: { gte: late, lt: early } },
      { created_at: { lt: { seconds: -62_135_596_800, nanos: 0 } } },
      { deleted_at: { gt: early } },
      { email: { is_null: true } },
    ];
    for (const filter of filters) {
      expect(await list({ filter, include_total_size: true })).toMatchObject({ customers: [], total_size: 0 });
    }
    expect((await list({ filter: { created_at: { lt: late } } })).customers.length).toBeGreaterThan(0);
    expect((await list({ filter: { q: '  ', metadata: {}, any_of: [] } })).customers.length).toBeGreaterThan(0);
  });
});
