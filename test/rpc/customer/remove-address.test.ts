import { anAddress } from '../../support/address';
import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

let number = 0;
const newCustomer = async (...addresses: object[]) => {
  number += 1;
  const email = `remove-address-${number}@example.com`;
  const { customer } = await test.client.call('createCustomer', { email, addresses });
  const list = await test.client.call('listAddresses', { customer_id: customer!.id });
  return { id: customer!.id, addresses: list.addresses };
};

describe('RemoveAddress', () => {
  it('removes the address and clears the pointers to it in one change', async () => {
    const { id, addresses } = await newCustomer(anAddress(), anAddress({ city: 'Aarhus' }));
    const [first, second] = addresses;
    const target = { $case: 'address_id' as const, value: first!.id };
    await test.client.call('updateCustomer', {
      id,
      billing_address: { target },
      shipping_address: { target },
    });
    const answer = await test.client.call('removeAddress', { customer_id: id, id: first!.id });
    expect(answer).toEqual({ removed: true, revision: 3 });
    const { customer } = await test.client.call('getCustomer', { id });
    expect(customer).toMatchObject({ revision: 3, billing_address_id: undefined, shipping_address_id: undefined });
    expect(await test.client.call('listAddresses', { customer_id: id })).toEqual({ addresses: [second] });
    const event = (await eventsOf(test.database, id)).at(-1)!;
    expect(event).toMatchObject({ type: 'customer.address_removed', revision: 3 });
    expect(event.data.changed_fields).toEqual(['billing_address_id', 'shipping_address_id', 'addresses']);
    expect(event.data.previous).toEqual({ billing_address_id: first!.id, shipping_address_id: first!.id });
    expect(event.data.removed_address_ids).toEqual([first!.id]);
    expect(event.data.previous_addresses).toMatchObject([{ id: first!.id, city: 'København' }]);
    expect(event.data.addresses).toBeUndefined();
  });

  it('leaves pointers to other addresses alone', async () => {
    const { id, addresses } = await newCustomer(anAddress(), anAddress({ city: 'Aarhus' }));
    const target = { $case: 'address_id' as const, value: addresses[1]!.id };
    await test.client.call('updateBillingAddress', { customer_id: id, target: { target } });
    await test.client.call('removeAddress', { customer_id: id, id: addresses[0]!.id });
    const { customer } = await test.client.call('getCustomer', { id });
    expect(customer?.billing_address_id).toBe(addresses[1]!.id);
    expect((await eventsOf(test.database, id)).at(-1)?.data).toMatchObject({ changed_fields: ['addresses'] });
  });

  it('is OK where there is no such address, another customer’s among them', async () => {
    const owner = await newCustomer(anAddress());
    const { id } = await newCustomer();
    const remove = (request: object) =>
      test.client.call('removeAddress', { customer_id: id, id: owner.addresses[0]!.id, ...request });
    expect(await remove({})).toEqual({ removed: false, revision: 1 });
    expect(await test.client.refusal(remove({ expected_revision: 4 }))).toMatchObject({ reason: 'REVISION_MISMATCH' });
    expect(await test.client.refusal(remove({ customer_id: 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ' }))).toMatchObject({
      reason: 'CUSTOMER_NOT_FOUND',
    });
    expect((await test.client.refusal(remove({ customer_id: '', id: '' }))).fields).toEqual(['customer_id', 'id']);
    expect(await eventsOf(test.database, id)).toHaveLength(1);
    expect((await test.client.call('listAddresses', { customer_id: owner.id })).addresses).toEqual(owner.addresses);
  });

  it('removes once when eight ask at once', async () => {
    const { id, addresses } = await newCustomer(anAddress());
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => test.client.call('removeAddress', { customer_id: id, id: addresses[0]!.id })),
    );
    expect(answers.filter(({ removed }) => removed)).toHaveLength(1);
    expect(answers.every(({ revision }) => revision === 2)).toBe(true);
    expect(await eventsOf(test.database, id)).toHaveLength(2);
  });
});
