import { anAddress } from '../../support/address';
import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

let number = 0;
const newCustomer = async (...addresses: object[]) => {
  number += 1;
  const email = `update-address-${number}@example.com`;
  const { customer } = await test.client.call('createCustomer', { email, addresses });
  const list = await test.client.call('listAddresses', { customer_id: customer!.id });
  return { id: customer!.id, addresses: list.addresses };
};

describe('UpdateAddress', () => {
  it('changes what is given, clears what is empty, merges metadata, with one event', async () => {
    const before = await newCustomer(anAddress({ company: 'ACME', phone: '1', metadata: { a: 1, b: 2 } }));
    const { address, revision } = await test.client.call('updateAddress', {
      customer_id: before.id,
      id: before.addresses[0]!.id,
      city: 'Aarhus',
      company: '',
      metadata: { b: '', c: null },
    });
    expect(revision).toBe(2);
    expect(address).toMatchObject({
      ...anAddress({ city: 'Aarhus', company: undefined, phone: '1', metadata: { a: 1, c: null } }),
      id: before.addresses[0]!.id,
      created_at: before.addresses[0]!.created_at,
    });
    expect(await test.client.call('listAddresses', { customer_id: before.id })).toEqual({ addresses: [address] });
    const [, event, ...others] = await eventsOf(test.database, before.id);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ type: 'customer.address_updated', data: { changed_fields: ['addresses'] } });
    expect(event?.data.addresses).toMatchObject([{ id: address!.id, city: 'Aarhus', metadata: { a: 1, c: null } }]);
    expect(event?.data.previous_addresses).toMatchObject([{ id: address!.id, city: 'København', company: 'ACME' }]);
    expect(event?.data.removed_address_ids).toBeUndefined();
  });

  it('makes no event when nothing differs', async () => {
    const { id, addresses } = await newCustomer(anAddress({ metadata: { a: 1 } }));
    const same = { customer_id: id, id: addresses[0]!.id, city: ' København', country_code: 'DK', metadata: { a: 1 } };
    expect(await test.client.call('updateAddress', same)).toEqual({ address: addresses[0], revision: 1 });
    expect(await eventsOf(test.database, id)).toHaveLength(1);
  });

  it('refuses to make two of the same, and records nothing', async () => {
    const { id, addresses } = await newCustomer(anAddress(), anAddress({ city: 'Aarhus' }));
    const update = test.client.call('updateAddress', { customer_id: id, id: addresses[1]!.id, city: 'København' });
    expect(await test.client.refusal(update)).toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'ADDRESS_ALREADY_EXISTS',
      metadata: { existing_address_id: addresses[0]!.id },
      resource: addresses[0]!.id,
    });
    expect(await eventsOf(test.database, id)).toHaveLength(1);
  });

  it('lets one of eight at once become an address that only one can be', async () => {
    const { id, addresses } = await newCustomer(
      ...Array.from({ length: 8 }, (_, n) => anAddress({ address_2: `${n}` })),
    );
    const results = await Promise.allSettled(
      addresses.map((address) =>
        test.client.call('updateAddress', { customer_id: id, id: address.id, address_2: 'the one' }),
      ),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const merges = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        test.client.call('updateAddress', { customer_id: id, id: addresses[0]!.id, metadata: { [`k${n}`]: n } }),
      ),
    );
    expect(merges).toHaveLength(8);
    const { address } = await test.client.call('getAddress', { customer_id: id, id: addresses[0]!.id });
    expect(Object.keys(address!.metadata!)).toHaveLength(8);
    expect((await eventsOf(test.database, id)).map(({ revision }) => revision)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
  });

  it('lets two addresses trade places through a third, all at once', async () => {
    const { id, addresses } = await newCustomer(anAddress({ city: 'A' }), anAddress({ city: 'B' }));
    const [a, b] = addresses;
    const move = (address: string, city: string) =>
      test.client.call('updateAddress', { customer_id: id, id: address, city });
    await Promise.all([move(a!.id, 'C'), move(b!.id, 'A'), move(a!.id, 'B')]);
    const after = await test.client.call('listAddresses', { customer_id: id });
    expect(after.addresses.map(({ city }) => city)).toEqual(['B', 'A']);
    expect(await eventsOf(test.database, id)).toHaveLength(4);
  });

  it('looks at the revision before the address, and refuses what is not this customer’s', async () => {
    const owner = await newCustomer(anAddress());
    const other = await newCustomer();
    const update = (request: object) =>
      test.client.refusal(
        test.client.call('updateAddress', { customer_id: other.id, id: owner.addresses[0]!.id, city: 'x', ...request }),
      );
    expect(await update({})).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'ADDRESS_NOT_FOUND',
      resource: owner.addresses[0]!.id,
    });
    expect(await update({ expected_revision: 9 })).toMatchObject({ reason: 'REVISION_MISMATCH' });
    expect(await update({ customer_id: 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ' })).toMatchObject({
      reason: 'CUSTOMER_NOT_FOUND',
    });
    expect(await eventsOf(test.database, owner.id)).toHaveLength(1);
    expect(await eventsOf(test.database, other.id)).toHaveLength(1);
  });

  it('names every fault at once, also those that only show together with what is stored', async () => {
    const { id, addresses } = await newCustomer(
      anAddress({ country_code: 'hk', postal_code: '', metadata: { a: 'x'.repeat(9_000) } }),
    );
    const update = (request: object) =>
      test.client.refusal(test.client.call('updateAddress', { customer_id: id, id: addresses[0]!.id, ...request }));
    expect((await update({ first_name: '', city: ' ', country_code: 'xx', id: 'addr_1' })).fields).toEqual([
      'id',
      'first_name',
      'city',
      'country_code',
    ]);
    const together = await update({ country_code: 'dk', metadata: { b: 'x'.repeat(9_000) } });
    expect(together).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['metadata', 'postal_code'] });
    expect(await eventsOf(test.database, id)).toHaveLength(1);
  });
});
