import { startTestService, type TestService } from '../../support/service';

let test: TestService;
let ids: Record<string, string>;
beforeAll(async () => {
  test = await startTestService();
  ids = {};
  for (const name of ['beta', 'Alpha', 'gamma 100%', 'ÅLPHA', 'Delta']) {
    ids[name] = (await test.client.call('createCustomerGroup', { name })).customer_group!.id;
  }
});
afterAll(() => test.stop());

const list = (request: Parameters<typeof test.client.call<'listCustomerGroups'>>[1]) =>
  test.client.call('listCustomerGroups', request);
const names = async (request: object) => (await list(request)).customer_groups.map(({ name }) => name);

describe('ListCustomerGroups', () => {
  it('answers by name, page by page, with how many there are', async () => {
    const first = await list({ page_size: 2, include_total_size: true });
    expect(first).toMatchObject({ customer_groups: [{ name: 'Alpha' }, { name: 'Delta' }], total_size: 5 });
    const second = await list({ page_size: 2, page_token: first.next_page_token });
    expect(second).toMatchObject({
      customer_groups: [{ name: 'beta' }, { name: 'gamma 100%' }],
      total_size: undefined,
    });
    const third = await list({ page_size: 2, page_token: second.next_page_token });
    expect(third).toMatchObject({ customer_groups: [{ name: 'ÅLPHA' }], next_page_token: '' });
  });

  it('finds folded text within the name, wildcards as they are', async () => {
    expect(await names({ q: 'LPHA' })).toEqual(['Alpha', 'ÅLPHA']);
    expect(await names({ q: 'ålp' })).toEqual(['ÅLPHA']);
    expect(await names({ q: '0%' })).toEqual(['gamma 100%']);
    expect(await names({ q: 'a%a' })).toEqual([]);
  });

  it('finds groups by id and those of a customer that is alive', async () => {
    expect(await names({ ids: [ids['beta'], ids['Delta'], 'cgrp_01HZZZZZZZZZZZZZZZZZZZZZZZ'] })).toEqual([
      'Delta',
      'beta',
    ]);
    const { customer } = await test.client.call('createCustomer', { email: 'member@example.com' });
    const customer_id = customer!.id;
    for (const name of ['beta', 'Alpha']) {
      await test.client.call('addCustomersToGroup', { id: ids[name]!, customer_ids: [customer_id] });
    }
    expect(await names({ customer_id })).toEqual(['Alpha', 'beta']);
    expect(await names({ customer_id, q: 'bet', ids: [ids['beta']] })).toEqual(['beta']);
    await test.client.call('deleteCustomer', { id: customer_id });
    expect(await list({ customer_id, include_total_size: true })).toMatchObject({ customer_groups: [], total_size: 0 });
  });

  it('refuses a token of another query, bad ids and sizes', async () => {
    const { next_page_token } = await list({ page_size: 1 });
    const other = test.client.refusal(list({ q: 'a', page_size: 1, page_token: next_page_token }));
    expect(await other).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
    const foreign = test.client.refusal(test.client.call('listCustomers', { page_token: next_page_token }));
    expect(await foreign).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
    const bad = test.client.refusal(list({ q: 'x'.repeat(201), ids: ['x'], customer_id: 'y', page_size: -1 }));
    expect(await bad).toMatchObject({ fields: ['q', 'ids[0]', 'customer_id', 'page_size'] });
  });
});
