import { anAddress } from '../../support/address';
import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

let number = 0;
const newCustomer = async (...addresses: object[]) => {
  number += 1;
  const email = `point-${number}@example.com`;
  const { customer } = await test.client.call('createCustomer', { email, addresses });
  const list = await test.client.call('listAddresses', { customer_id: customer!.id });
  return { id: customer!.id, addresses: list.addresses };
};
const to = (target: object) => ({ target }) as never;
const toId = (value: string) => to({ $case: 'address_id', value });
const toAddress = (value: object) => to({ $case: 'address', value });
const clear = to({ $case: 'clear', value: true });
const addressesOf = async (customer_id: string) => (await test.client.call('listAddresses', { customer_id })).addresses;

describe.each([
  { rpc: 'updateBillingAddress', field: 'billing_address', other: 'shipping_address' },
  { rpc: 'updateShippingAddress', field: 'shipping_address', other: 'billing_address' },
] as const)('$rpc', ({ rpc, field, other }) => {
  const pointer = `${field}_id` as const;
  const point = async (customer_id: string, target: never) =>
    (await test.client.call(rpc, { customer_id, target })).customer!;

  it('points to an address of the customer, and clears, each with one event', async () => {
    const { id, addresses } = await newCustomer(anAddress());
    const set = await point(id, toId(addresses[0]!.id));
    expect(set).toMatchObject({ revision: 2, [pointer]: addresses[0]!.id, [field]: addresses[0] });
    expect(await point(id, toId(addresses[0]!.id))).toEqual(set);
    const cleared = await point(id, clear);
    expect(cleared).toMatchObject({ revision: 3, [pointer]: undefined, [field]: undefined });
    expect(await point(id, clear)).toEqual(cleared);
    const [, first, second, ...others] = await eventsOf(test.database, id);
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      type: 'customer.updated',
      data: { changed_fields: [pointer], previous: {} },
    });
    expect(first?.data.customer[pointer]).toBe(addresses[0]!.id);
    expect(first?.data.addresses).toBeUndefined();
    expect(second?.data.previous).toEqual({ [pointer]: addresses[0]!.id });
    expect(await addressesOf(id)).toEqual(addresses);
  });

  it('leaves the other pointer alone, also at the same address', async () => {
    const { id, addresses } = await newCustomer(anAddress());
    const same = toId(addresses[0]!.id);
    await test.client.call('updateCustomer', { id, billing_address: same, shipping_address: same });
    const cleared = await point(id, clear);
    expect([cleared[pointer], cleared[`${other}_id`]]).toEqual([undefined, addresses[0]!.id]);
    const added = await point(id, toAddress(anAddress({ city: 'Odense' })));
    expect(added[field]).toMatchObject({ city: 'Odense' });
    const rows = await test.database.query(
      'select billing_address_id, shipping_address_id from customers where id = $1',
      [id],
    );
    expect(rows).toEqual([{ [pointer]: added[pointer], [`${other}_id`]: addresses[0]!.id }]);
  });

  it('adds what it does not have, replaces all of the current one, moves to another that is the same', async () => {
    const { id, addresses } = await newCustomer(anAddress({ city: 'Aarhus', company: 'Kept' }));
    const added = await point(id, toAddress(anAddress({ company: 'ACME', metadata: { a: 1 } })));
    const current = added[pointer]!;
    expect(added).toMatchObject({ revision: 2, [field]: { id: current, company: 'ACME', metadata: { a: 1 } } });
    const replaced = await point(id, toAddress(anAddress({ city: 'Odense' })));
    expect(replaced).toMatchObject({ revision: 3, [pointer]: current });
    expect(replaced[field]).toMatchObject({ id: current, city: 'Odense', company: undefined, metadata: {} });
    expect(replaced[field]?.created_at).toEqual(added[field]?.created_at);
    // Only what does not count for sameness differs: it is replaced all the same.
    const dressed = await point(id, toAddress(anAddress({ city: 'Odense', company: 'New' })));
    expect(dressed).toMatchObject({ revision: 4, [field]: { id: current, company: 'New' } });
    expect(await point(id, toAddress(anAddress({ city: 'Odense', company: 'New' })))).toEqual(dressed);
    const moved = await point(id, toAddress(anAddress({ city: 'Aarhus', company: 'Other' })));
    expect(moved).toMatchObject({ revision: 5, [field]: addresses[0] });
    expect((await addressesOf(id)).map(({ city, company }) => [city, company])).toEqual([
      ['Aarhus', 'Kept'],
      ['Odense', 'New'],
    ]);
    const events = await eventsOf(test.database, id);
    expect(events.map(({ data }) => data.changed_fields)).toEqual([
      [],
      [pointer, 'addresses'],
      ['addresses'],
      ['addresses'],
      [pointer],
    ]);
    expect(events[2]?.data.previous_addresses).toMatchObject([{ id: current, company: 'ACME' }]);
  });

  it('refuses another customer’s address, a 101st, an unknown customer and a differing revision', async () => {
    const owner = await newCustomer(anAddress());
    const { id } = await newCustomer(...Array.from({ length: 100 }, (_, n) => anAddress({ address_2: `${n}` })));
    const refusal = (request: object) =>
      test.client.refusal(
        test.client.call(rpc, {
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
      (await test.client.refusal(test.client.call(rpc, { customer_id: id, target: target as never }))).fields;
    expect(await fields(undefined)).toEqual(['target']);
    expect(await fields({})).toEqual(['target']);
    expect(await fields(to({ $case: 'clear', value: false }))).toEqual(['target.clear']);
    expect(await fields(toId('addr_1'))).toEqual(['target.address_id']);
    expect(await fields(toAddress(anAddress({ country_code: 'xx' })))).toEqual(['target.address.country_code']);
    expect(await fields(toAddress({ country_code: 'dk', city: 'x'.repeat(201) }))).toEqual(
      ['first_name', 'last_name', 'address_1', 'city', 'postal_code'].map((field) => `target.address.${field}`),
    );
  });

  it('adds one address when eight give the same at once', async () => {
    const { id } = await newCustomer();
    const answers = await Promise.all(Array.from({ length: 8 }, () => point(id, toAddress(anAddress()))));
    for (const answer of answers) expect(answer.revision).toBe(2);
    expect(await addressesOf(id)).toHaveLength(1);
    expect(await eventsOf(test.database, id)).toHaveLength(2);
  });

  it('ends with one of eight different ones given at once, which replaced each other', async () => {
    const { id } = await newCustomer();
    const cities = Array.from({ length: 8 }, (_, n) => `City ${n}`);
    const answers = await Promise.all(cities.map((city) => point(id, toAddress(anAddress({ city })))));
    const last = answers.find(({ revision }) => revision === 9)!;
    expect(await addressesOf(id)).toEqual([last[field]]);
    const events = await eventsOf(test.database, id);
    expect(events.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(events.at(-1)?.data.addresses).toMatchObject([{ city: last[field]!.city }]);
  });

  it('answers a repeated request_id with the first answer, and adds nothing', async () => {
    const { id } = await newCustomer();
    const request = { customer_id: id, target: toAddress(anAddress()), request_id: `point-${rpc}` };
    const answer = await test.client.call(rpc, request);
    await point(id, clear);
    expect(await test.client.call(rpc, request)).toEqual(answer);
    expect(await eventsOf(test.database, id)).toHaveLength(3);
  });
});
