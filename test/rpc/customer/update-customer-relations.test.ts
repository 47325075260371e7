import { Customer_Relation } from '../../../src/gen/customer/v1/customer';
import { anAddress } from '../../support/address';
import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
let other: TestService;
beforeAll(async () => {
  test = await startTestService();
  other = await startTestService({ database: test.database });
});
afterAll(async () => {
  await other.stop();
  await test.stop();
});

let number = 0;
const newCustomer = async (...addresses: object[]) => {
  number += 1;
  const email = `relations-${number}@example.com`;
  return (await test.client.call('createCustomer', { email, addresses })).customer!.id;
};
const newGroup = async () => {
  number += 1;
  return (await test.client.call('createCustomerGroup', { name: `relations ${number}` })).customer_group!.id;
};
const groupsOf = async (id: string) => {
  const { customer } = await test.client.call('getCustomer', { id, expand: [Customer_Relation.RELATION_GROUPS] });
  return customer!.groups.map((group) => group.id).sort();
};
const address = (value: object) => ({ target: { $case: 'address' as const, value } });

describe('UpdateCustomer with groups and addresses', () => {
  it('replaces the whole membership, in one event with everything else', async () => {
    const [a, b, c] = [await newGroup(), await newGroup(), await newGroup()];
    const id = await newCustomer();
    await test.client.call('updateCustomer', { id, groups: { ids: [a, b, a] } });
    expect(await groupsOf(id)).toEqual([a, b].sort());
    const { customer } = await test.client.call('updateCustomer', { id, first_name: 'Anna', groups: { ids: [c, b] } });
    expect(customer).toMatchObject({ revision: 3, first_name: 'Anna' });
    expect(await groupsOf(id)).toEqual([b, c].sort());
    const events = await eventsOf(test.database, id);
    expect(events).toHaveLength(3);
    expect(events[1]?.data).toMatchObject({ changed_fields: ['groups'], added_group_ids: [a, b].sort() });
    expect(events[2]).toMatchObject({
      type: 'customer.updated',
      data: { changed_fields: ['first_name', 'groups'], added_group_ids: [c], removed_group_ids: [a] },
    });
    expect((await test.client.call('updateCustomer', { id, groups: { ids: [b, c] } })).customer?.revision).toBe(3);
    expect((await test.client.call('updateCustomer', { id, groups: { ids: [] } })).customer?.revision).toBe(4);
    expect(await groupsOf(id)).toEqual([]);
  });

  it('refuses an unknown group and unsound ids, and records nothing', async () => {
    const group = await newGroup();
    const id = await newCustomer();
    const unknown = 'cgrp_01HZZZZZZZZZZZZZZZZZZZZZZZ';
    const update = (ids: string[]) =>
      test.client.refusal(test.client.call('updateCustomer', { id, first_name: 'Never', groups: { ids } }));
    expect(await update([group, unknown])).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'GROUP_NOT_FOUND',
      resource: unknown,
    });
    expect((await update([group, 'cgrp_', 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ'])).fields).toEqual([
      'groups.ids[1]',
      'groups.ids[2]',
    ]);
    expect((await update(Array.from({ length: 1_001 }, () => ''))).fields).toEqual(['groups.ids']);
    expect(await eventsOf(test.database, id)).toHaveLength(1);
  });

  it('sets both addresses in one change; the same content becomes one address', async () => {
    const id = await newCustomer();
    const { customer } = await test.client.call('updateCustomer', {
      id,
      billing_address: address(anAddress()),
      shipping_address: address(anAddress({ company: 'does not count' })),
    });
    expect(customer?.billing_address_id).toBeDefined();
    expect(customer?.shipping_address_id).toBe(customer?.billing_address_id);
    const { addresses } = await test.client.call('listAddresses', { customer_id: id });
    expect(addresses).toHaveLength(1);
    const [, event, ...others] = await eventsOf(test.database, id);
    expect(others).toEqual([]);
    expect(event?.data).toMatchObject({
      changed_fields: ['billing_address_id', 'shipping_address_id', 'addresses'],
      addresses: [{ id: addresses[0]!.id }],
      previous: {},
    });
    const cleared = await test.client.call('updateCustomer', {
      id,
      shipping_address: { target: { $case: 'clear', value: true } },
    });
    expect(cleared.customer).toMatchObject({ shipping_address_id: undefined, revision: 3 });
    expect(cleared.customer?.billing_address_id).toBe(addresses[0]!.id);
  });

  it('names what is wrong with a target beside the other faults, and records nothing', async () => {
    const id = await newCustomer();
    const update = (request: object) => test.client.refusal(test.client.call('updateCustomer', { id, ...request }));
    const faults = await update({
      email: '',
      billing_address: {},
      shipping_address: { target: { $case: 'clear', value: false } },
    });
    expect(faults.fields).toEqual(['email', 'billing_address', 'shipping_address.clear']);
    expect((await update({ billing_address: address({ ...anAddress(), city: '' }) })).fields).toEqual([
      'billing_address.address.city',
    ]);
    const foreign = { target: { $case: 'address_id', value: 'addr_01HZZZZZZZZZZZZZZZZZZZZZZZ' } };
    expect(await update({ first_name: 'Never', shipping_address: foreign })).toMatchObject({
      reason: 'ADDRESS_NOT_FOUND',
    });
    expect(await eventsOf(test.database, id)).toHaveLength(1);
  });

  it.each(['billing_address', 'shipping_address'])(
    'refuses as %s an address of another customer, an unknown country and a 101st address, and records nothing',
    async (field) => {
      const owner = await newCustomer(anAddress());
      const { addresses } = await test.client.call('listAddresses', { customer_id: owner });
      const id = await newCustomer(...Array.from({ length: 100 }, (_, n) => anAddress({ address_2: `${n}` })));
      const update = (target: object) =>
        test.client.refusal(test.client.call('updateCustomer', { id, first_name: 'Never', [field]: target }));
      const foreign = { target: { $case: 'address_id', value: addresses[0]!.id } };
      expect(await update(foreign)).toMatchObject({
        code: 'NOT_FOUND',
        reason: 'ADDRESS_NOT_FOUND',
        resource: addresses[0]!.id,
      });
      expect((await update(address(anAddress({ country_code: 'xx' })))).fields).toEqual([
        `${field}.address.country_code`,
      ]);
      expect(await update(address(anAddress()))).toMatchObject({
        code: 'FAILED_PRECONDITION',
        reason: 'TOO_MANY_ADDRESSES',
      });
      expect(await eventsOf(test.database, id)).toHaveLength(1);
      const owned = await test.client.call('listAddresses', { customer_id: owner });
      expect(owned.addresses).toEqual(addresses);
    },
  );

  it('leaves exactly the membership of one of eight at once in two processes', async () => {
    const groups = await Promise.all(Array.from({ length: 8 }, newGroup));
    const id = await newCustomer();
    await Promise.all(
      groups.map((group, n) =>
        (n % 2 === 0 ? test : other).client.call('updateCustomer', { id, groups: { ids: [group] } }),
      ),
    );
    const [left, ...others] = await groupsOf(id);
    expect(others).toEqual([]);
    const events = await eventsOf(test.database, id);
    const folded = events.reduce<readonly string[]>(
      (ids, { data }) => [
        ...ids.filter((group) => data.removed_group_ids?.includes(group) !== true),
        ...(data.added_group_ids ?? []),
      ],
      [],
    );
    expect(folded).toEqual([left]);
    expect(events.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('lets one address become what the other was, in one change', async () => {
    const id = await newCustomer();
    const [older, newer, newest] = ['Older 1', 'Newer 1', 'Newest 1'].map((address_1) => anAddress({ address_1 }));
    await test.client.call('updateShippingAddress', { customer_id: id, target: address(older!) });
    await test.client.call('updateBillingAddress', { customer_id: id, target: address(newer!) });
    await test.client.call('updateCustomer', {
      id,
      billing_address: address(newest!),
      shipping_address: address(newer!),
    });
    const { addresses } = await test.client.call('listAddresses', { customer_id: id });
    expect(addresses.map(({ address_1 }) => address_1)).toEqual(['Newer 1', 'Newest 1']);
    await test.client.call('addAddress', { customer_id: id, address: older! });
    expect((await test.client.call('listAddresses', { customer_id: id })).addresses).toHaveLength(3);
  });
});
