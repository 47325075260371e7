import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

let count = 0;
const create = async (): Promise<string> => {
  const { customer } = await test.client.call('createCustomer', { email: `list-${(count += 1)}@example.com` });
  return customer!.id;
};
const head = async (): Promise<number> => {
  const all = await test.client.call('listEvents', { page_size: 1_000 });
  return Number(all.items.at(-1)?.position ?? 0);
};

describe('ListEvents', () => {
  it('answers what the reply before has implied, every field of it', async () => {
    for (let times = 0; times < 20; times += 1) {
      const id = await create();
      const { items } = await test.client.call('listEvents', { aggregate_id: id });
      expect(items).toHaveLength(1);
    }
    const address = {
      first_name: 'A',
      last_name: 'B',
      address_1: 'S 1',
      city: 'C',
      country_code: 'DE',
      postal_code: '1',
    };
    const { customer } = await test.client.call('createCustomer', {
      email: 'all@example.com',
      metadata: { a: { b: [1, null, 'ä'] } },
      addresses: [address],
      request_id: 'r-1',
    });
    await test.client.call('updateCustomer', { id: customer!.id, first_name: 'Anna', metadata: { a: '' } });
    const { items } = await test.client.call('listEvents', { aggregate_id: customer!.id });
    const [created, updated] = items.map(({ event }) => (event?.$case === 'customer_event' ? event.value : undefined));
    expect(created).toMatchObject({
      id: `${customer!.id}:1`,
      type: 'customer.created',
      revision: 1,
      position: items[0]!.position,
      occurred_at: customer!.created_at,
      request_id: 'r-1',
      changed_fields: [],
      customer,
      previous: undefined,
      addresses: [{ city: 'C', country_code: 'de', customer_id: customer!.id }],
    });
    expect(updated).toMatchObject({
      type: 'customer.updated',
      revision: 2,
      changed_fields: ['first_name', 'metadata'],
      customer: { first_name: 'Anna', metadata: {} },
      previous: { metadata: { a: { b: [1, null, 'ä'] } } },
    });
  });

  it('pages through the log without gap or repeat, and through one customer', async () => {
    const id = await create();
    for (let n = 1; n <= 6; n += 1) await test.client.call('updateCustomer', { id, metadata: { n } });
    const last = await head();
    const positions: number[] = [];
    let page_token = '';
    do {
      const page = await test.client.call('listEvents', { after_position: '2', page_size: 5, page_token });
      positions.push(...page.items.map(({ position }) => Number(position)));
      page_token = page.next_page_token;
    } while (page_token !== '');
    expect(positions).toEqual(Array.from({ length: last - 2 }, (_, index) => index + 3));
    const first = await test.client.call('listEvents', { aggregate_id: id, page_size: 4 });
    const second = await test.client.call('listEvents', {
      aggregate_id: id,
      page_size: 4,
      page_token: first.next_page_token,
    });
    const revisions = [...first.items, ...second.items].map(({ event }) => event!.value.revision);
    expect(revisions).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(second.next_page_token).toBe('');
  });

  it('filters by type, and knows groups', async () => {
    const { customer_group } = await test.client.call('createCustomerGroup', { name: 'VIP' });
    const id = await create();
    await test.client.call('deleteCustomer', { id });
    const found = await test.client.call('listEvents', { types: ['customer.deleted', 'customer_group.created'] });
    expect(found.items.map(({ event }) => event!.value.type)).toEqual(['customer_group.created', 'customer.deleted']);
    expect(found.items[0]?.event).toMatchObject({ $case: 'group_event', value: { group: customer_group } });
    expect(await test.client.call('listEvents', { aggregate_id: id, types: ['customer.locked'] })).toEqual({
      items: [],
      next_page_token: '',
    });
  });

  it('answers an erased customer’s events without anything personal', async () => {
    const { customer } = await test.client.call('createCustomer', {
      email: 'secret@example.com',
      first_name: 'Secret',
    });
    await test.client.call('eraseCustomer', { id: customer!.id });
    const { items } = await test.client.call('listEvents', { aggregate_id: customer!.id });
    expect(items.map(({ event }) => event!.value.type)).toEqual(['customer.created', 'customer.erased']);
    expect(JSON.stringify(items).toLowerCase()).not.toContain('secret');
    expect(items[0]?.event?.value).toMatchObject({ customer_id: customer!.id, occurred_at: customer!.created_at });
  });

  it('answers an unknown customer with nothing', async () => {
    const unknown = 'cus_01M8774TG1MF4P7ZJR0AE4MPS8';
    expect(await test.client.call('listEvents', { aggregate_id: unknown })).toEqual({ items: [], next_page_token: '' });
  });

  it('refuses what cannot be asked for', async () => {
    const id = await create();
    const refusal = (request: object) => test.client.refusal(test.client.call('listEvents', request));
    expect(await refusal({ aggregate_id: id, after_position: '0' })).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: ['after_position'],
    });
    expect(await refusal({ aggregate_id: 'x', types: ['customer.created', 'nope'], page_size: -1 })).toMatchObject({
      code: 'INVALID_ARGUMENT',
      fields: ['aggregate_id', 'types[1]', 'page_size'],
    });
    for (const position of ['1000000', '18446744073709551615']) {
      expect(await refusal({ after_position: position })).toMatchObject({
        code: 'OUT_OF_RANGE',
        reason: 'POSITION_AHEAD',
        metadata: { head_position: String(await head()) },
      });
    }
    const { next_page_token } = await test.client.call('listEvents', { page_size: 1 });
    for (const page_token of ['x', `9${next_page_token}`, `${next_page_token}x`]) {
      expect(await refusal({ page_token })).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
    }
    expect(await refusal({ page_token: next_page_token, types: ['customer.created'] })).toMatchObject({
      reason: 'PAGE_TOKEN_INVALID',
    });
  });

  it('says where the log begins when it is asked for what is gone', async () => {
    await create();
    await head();
    await test.database.query('delete from customer_events where position <= 3');
    const refused = test.client.call('listEvents', { after_position: '2' });
    expect(await test.client.refusal(refused)).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'POSITION_TOO_OLD',
      metadata: { oldest_position: '4' },
    });
    const { items } = await test.client.call('listEvents', { after_position: '3', page_size: 1 });
    expect(items[0]?.position).toBe('4');
    const oldest = await test.client.call('listEvents', { page_size: 1 });
    expect(oldest.items[0]?.position).toBe('4');
  });
});
