import { anAddress } from '../../support/address';
import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

let number = 0;
const newCustomer = async (...addresses: object[]) => {
  number += 1;
  const email = `billing-${number}@example.com`;
  const { customer } = await test.client.call('createCustomer', { email, addresses });
  const list = await test.client.call('listAddresses', { customer_id: customer!.id });
  return { id: customer!.id, addresses: list.addresses };
};
const to = (target: object) => ({ target }) as never;
const toId = (value: string) => to({ $case: 'address_id', value });
const toAddress = (value: object) => to({ $case: 'address', value });
const clear = to({ $case: 'clear', value: true });
const point = async (customer_id: string, target: never) =>
  (await test.client.call('updateBillingAddress', { customer_id, target })).customer!;
const addressesOf = async (customer_id: string) => (await test.client.call('listAddresses', { customer_id })).addresses;

describe('UpdateBillingAddress', () => {
  it('points to an address of the customer, and clears, each with one event', async () => {
    const { id, addresses } = await newCustomer(anAddress());
    const set = await point(id, toId(addresses[0]!.id));
    expect(set).toMatchObject({ revision: 2, billing_address_id: addresses[0]!.id, billing_address: addresses[0] });
    expect(await point(id, toId(addresses[0]!.id))).toEqual(set);
    const cleared = await point(id, clear);
    expect(cleared).toMatchObject({ revision: 3, billing_address_id: undefined, billing_address: undefined });
    expect(await point(id, clear)).toEqual(cleared);
    const [, first, second, ...others] = await eventsOf(test.database, id);
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      type: 'customer.updated',
      data: { changed_fields: ['billing_address_id'], previous: {} },
    });
    expect(first?.data.customer['billing_address_id']).toBe(addresses[0]!.id);
    expect(first?.data.addresses).toBeUndefined();
    expect(second?.data.previous).toEqual({ billing_address_id: addresses[0]!.id });
    expect(await addressesOf(id)).toEqual(addresses);
  });

  it('adds what it does not have, replaces all of the current one, moves to another that is the same', async () => {
    const { id, addresses } = await newCustomer(anAddress({ city: 'Aarhus', company: 'Kept' }));
    const added = await point(id, toAddress(anAddress({ company: 'ACME', metadata: { a: 1 } })));
    const current = added.billing_address_id!;
    expect(added).toMatchObject({ revision: 2, billing_address: { id: current, company: 'ACME', metadata: { a: 1 } } });
    const replaced = await point(id, toAddress(anAddress({ city: 'Odense' })));
    expect(replaced).toMatchObject({ revision: 3, billing_address_id: current });
    expect(replaced.billing_address).toMatchObject({ id: current, city: 'Odense', company: undefined, metadata: {} });
    expect(replaced.billing_address?.created_at).toEqual(added.billing_address?.created_at);
    // Only what does not count for sameness differs: it is replaced all the same.
    const dressed = await point(id, toAddress(anAddress({ city: 'Odense', company: 'New' })));
    expect(dressed).toMatchObject({ revision: 4, billing_address: { id: current, company: 'New' } });
    expect(await point(id, toAddress(anAddress({ city: 'Odense', company: 'New' })))).toEqual(dressed);
    const moved = await point(id, toAddress(anAddress({ city: 'Aarhus', company: 'Other' })));
    expect(moved).toMatchObject({ revision: 5, billing_address: addresses[0] });
    expect((await addressesOf(id)).map(({ city, company }) => [city, company])).toEqual([
      ['Aarhus', 'Kept'],
      ['Odense', 'New'],
    ]);
    const events = await eventsOf(test.database, id);
    expect(events.map(({ data }) => data.changed_fields)).toEqual([
      [],
      ['billing_address_id', 'addresses'],
      ['addresses'],
      ['addresses'],
      ['billing_address_id'],
    ]);
    expect(events[2]?.data.previous_addresses).toMatchObject([{ id: current, company: 'ACME' }]);
  });

  it('refuses another customer’s address, a 101st, an unknown customer and a differing revision', async () => {
    const owner = await newCustomer(anAddress());
    const { id } = await newCustomer(...Array.from({ length: 100 }, (_, n) => anAddress({ address_2: `${n}` })));
    const refusal = (request: object) =>
      test.client.refusal(
        test.client.call('updateBillingAddress', {
          customer_id: id,
          target: toAddress(anAddress({ city: 'One more' })),
          ...request,
        }),
      );
    expect(await refusal({})).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'TOO_MANY_ADDRESSES' });
    const foreign = toId(owner.addresses[0]!.id);
    expect(await refusal({ target: foreign })).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'ADDRESS_NOT_FOUND',
      resource: owner.addresses[0]!.id,
    });
    expect(await refusal({ target: foreign, expected_revision: 2 })).toMatchObject({ reason: 'REVISION_MISMATCH' });
    expect(await refusal({ customer_id: 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ' })).toMatchObject({
      reason: 'CUSTOMER_NOT_FOUND',
    });
    expect(await eventsOf(test.database, id)).toHaveLength(1);
  });

  it('names what is wrong with a target', async () => {
    const { id } = await newCustomer();
    const fields = async (target: unknown) =>
      (
        await test.client.refusal(
          test.client.call('updateBillingAddress', { customer_id: id, target: target as never }),
        )
      ).fields;
    expect(await fields(undefined)).toEqual(['target']);
    expect(await fields({})).toEqual(['target']);
    expect(await fields(to({ $case: 'clear', value: false }))).toEqual(['target.clear']);
    expect(await fields(toId('addr_1'))).toEqual(['target.address_id']);
    expect(await fields(toAddress({ country_code: 'dk', city: 'x'.repeat(201) }))).toEqual(
      ['first_name', 'last_name', 'address_1', 'city', 'postal_code'].map((field) => `target.address.${field}`),
    );
  });

  it('adds one address when eight give the same at once, and one for each of eight customers', async () => {
    const { id } = await newCustomer();
    const answers = await Promise.all(Array.from({ length: 8 }, () => point(id, toAddress(anAddress()))));
    for (const answer of answers) expect(answer.revision).toBe(2);
    expect(await addressesOf(id)).toHaveLength(1);
    expect(await eventsOf(test.database, id)).toHaveLength(2);
  });
});
