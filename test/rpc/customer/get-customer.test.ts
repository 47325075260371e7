import { Customer_Relation } from '../../../src/gen/customer/v1/customer';
import { startTestService, type TestService } from '../../support/service';

const ALL = {
  addresses: Customer_Relation.RELATION_ADDRESSES,
  billing: Customer_Relation.RELATION_BILLING_ADDRESS,
  shipping: Customer_Relation.RELATION_SHIPPING_ADDRESS,
  groups: Customer_Relation.RELATION_GROUPS,
};

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

describe('GetCustomer', () => {
  it('narrows the answer by the mask, id and revision always', async () => {
    const { customer } = await test.client.call('createCustomer', { email: 'mask@example.com', first_name: 'Anna' });
    const masked = await test.client.call('getCustomer', { id: customer!.id, read_mask: ['first_name'] });
    const { id, revision, first_name, ...rest } = masked.customer!;
    expect({ id, revision, first_name }).toEqual({ id: customer!.id, revision: 1, first_name: 'Anna' });
    const { email, has_account, metadata, created_at, updated_at } = rest;
    expect({ email, has_account, metadata, created_at, updated_at }).toEqual({ email: '', has_account: false });
  });

  it('names every unknown path of a mask and a bad id', async () => {
    const call = test.client.call('getCustomer', { id: 'cus_x', read_mask: ['email', 'password', 'metadata.a'] });
    expect(await test.client.refusal(call)).toMatchObject({
      code: 'INVALID_ARGUMENT',
      fields: ['id', 'read_mask', 'read_mask'],
    });
  });

  it('answers the relations asked for, beside whatever the mask leaves', async () => {
    const address = {
      first_name: 'A',
      last_name: 'B',
      address_1: 'C 1',
      city: 'D',
      country_code: 'dk',
      postal_code: '1',
    };
    const { customer } = await test.client.call('createCustomer', {
      email: 'related@example.com',
      addresses: [address, { ...address, city: 'E' }],
    });
    const id = customer!.id;
    const { customer_group } = await test.client.call('createCustomerGroup', { name: 'Related' });
    await test.client.call('addCustomersToGroup', { id: customer_group!.id, customer_ids: [id] });
    const plain = await test.client.call('getCustomer', { id });
    expect(plain.customer).toMatchObject({ addresses: [], groups: [] });
    const all = (await test.client.call('getCustomer', { id, expand: Object.values(ALL) })).customer!;
    expect(all.addresses.map(({ city }) => city).sort()).toEqual(['D', 'E']);
    expect(all.groups.map(({ name }) => name)).toEqual(['Related']);
    expect(all.billing_address).toBeUndefined();
    const target = { target: { $case: 'address_id', value: all.addresses[1]!.id } } as const;
    await test.client.call('updateBillingAddress', { customer_id: id, target });
    const masked = (
      await test.client.call('getCustomer', { id, read_mask: ['email'], expand: [ALL.billing, ALL.shipping] })
    ).customer!;
    expect(masked.billing_address).toEqual(all.addresses[1]);
    expect(masked).toMatchObject({ email: 'related@example.com', addresses: [], groups: [] });
    expect(masked.billing_address_id).toBeUndefined();
  });

  it('answers 2,000 different ones at once, with the connections it has', async () => {
    await test.database.query(`insert into customers (id, email, revision, created_at, updated_at, occurred_at)
      select 'cus_01' || lpad(i::text, 24, '0'), i || '@many.example', 1, now(), now(), now()
        from generate_series(1, 2000) i`);
    const ids = Array.from({ length: 2_000 }, (_, index) => `cus_01${String(index + 1).padStart(24, '0')}`);
    const answers = await Promise.all(ids.map((id) => test.client.call('getCustomer', { id })));
    expect(answers.map(({ customer }) => customer!.id)).toEqual(ids);
    const [{ count }] = (await test.database.query<{ count: number }>(
      `select count(*)::int from pg_stat_activity where datname = current_database() and application_name = 'customer-service'`,
    )) as [{ count: number }];
    expect(count).toBeLessThanOrEqual(20);
  });

  it('answers hundreds at once', async () => {
    const created = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        test.client.call('createCustomer', { email: `many-${index}@example.com` }),
      ),
    );
    const ids = created.map(({ customer }) => customer!.id);
    const answers = await Promise.all([...ids, ...ids, ...ids].map((id) => test.client.call('getCustomer', { id })));
    expect(answers.map(({ customer }) => customer!.id)).toEqual([...ids, ...ids, ...ids]);
  });
});
