import { randomInt } from 'node:crypto';
import { anAddress } from '../../support/address';
import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

let number = 0;
const newCustomer = async (request: object = {}) => {
  number += 1;
  const { customer } = await test.client.call('createCustomer', { email: `add-${number}@example.com`, ...request });
  return customer!;
};

describe('AddAddress', () => {
  it('adds an address, answers what was stored, with one event', async () => {
    const { id } = await newCustomer();
    const { address, created, revision } = await test.client.call('addAddress', {
      customer_id: id,
      address: anAddress({ company: ' ACME ', country_code: ' DK ', metadata: { floor: 3, note: '' } }),
      request_id: 'add',
    });
    expect({ created, revision }).toEqual({ created: true, revision: 2 });
    expect(address).toMatchObject({
      id: expect.stringMatching(/^addr_[0-9A-HJKMNP-TV-Z]{26}$/),
      customer_id: id,
      ...anAddress({ company: 'ACME', metadata: { floor: 3, note: '' } }),
    });
    expect(await test.client.call('getAddress', { customer_id: id, id: address!.id })).toEqual({ address });
    const [, event, ...others] = await eventsOf(test.database, id);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ type: 'customer.address_added', revision: 2, request_id: 'add' });
    expect(event?.data).toMatchObject({ changed_fields: ['addresses'], customer: { revision: 2 } });
    expect(event?.data.addresses).toEqual([expect.objectContaining(anAddress({ id: address!.id, company: 'ACME' }))]);
    expect(event?.data.previous).toBeUndefined();
    expect(event?.data.previous_addresses).toBeUndefined();
  });

  it('answers the same address as it is, without an event; company and metadata do not count, absent is empty', async () => {
    const { id } = await newCustomer();
    const first = await test.client.call('addAddress', {
      customer_id: id,
      address: anAddress({ company: 'ACME', metadata: { a: 1 } }),
    });
    const again = await test.client.call('addAddress', {
      customer_id: id,
      address: anAddress({ company: 'Other', city: '  København ', address_2: ' ', metadata: { b: 2 } }),
    });
    expect(again).toEqual({ address: first.address, created: false, revision: 2 });
    expect(await eventsOf(test.database, id)).toHaveLength(2);
  });

  it.each([
    ...['first_name', 'last_name', 'address_1', 'address_2', 'city', 'province', 'postal_code', 'phone'].map(
      (field) => [field, 'other'] as const,
    ),
    ['country_code', 'se'] as const,
  ])('takes an address with another %s for another one', async (field, value) => {
    const { id } = await newCustomer({ addresses: [anAddress()] });
    const address = anAddress({ [field]: value });
    expect(await test.client.call('addAddress', { customer_id: id, address })).toMatchObject({ created: true });
  });

  it('adds one of eight of the same at once, and all of eight different ones', async () => {
    const { id } = await newCustomer();
    const add = (address: object) => test.client.call('addAddress', { customer_id: id, address });
    const same = await Promise.all(Array.from({ length: 8 }, () => add(anAddress())));
    expect(same.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(same.map(({ address }) => address?.id)).size).toBe(1);
    const different = await Promise.all(Array.from({ length: 8 }, (_, n) => add(anAddress({ address_2: `${n}` }))));
    expect(different.every(({ created }) => created)).toBe(true);
    expect((await eventsOf(test.database, id)).map(({ revision }) => revision)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
    const { addresses } = await test.client.call('listAddresses', { customer_id: id });
    expect(addresses).toHaveLength(9);
  });

  it('refuses the 101st, but not one of the 100', async () => {
    const addresses = Array.from({ length: 100 }, (_, n) => anAddress({ address_2: `${n}` }));
    const { id } = await newCustomer({ addresses });
    const add = (address: object) => test.client.call('addAddress', { customer_id: id, address });
    expect(await test.client.refusal(add(anAddress({ address_2: '100' })))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'TOO_MANY_ADDRESSES',
    });
    expect(await add(anAddress({ address_2: '99' }))).toMatchObject({ created: false });
    expect(await eventsOf(test.database, id)).toHaveLength(1);
  });

  it('takes the longest address there is', async () => {
    const { id } = await newCustomer();
    // By chance, because an index would compress what repeats.
    const long = (length: number) =>
      Array.from({ length }, () => String.fromCodePoint(randomInt(0x20000, 0x2a6d0))).join('');
    const address = {
      ...Object.fromEntries(
        ['company', 'first_name', 'last_name', 'city', 'province'].map((field) => [field, long(200)]),
      ),
      address_1: long(300),
      address_2: long(300),
      postal_code: long(20),
      phone: long(40),
      country_code: 'de',
    };
    const answer = await test.client.call('addAddress', { customer_id: id, address });
    expect(answer.address).toMatchObject(address);
    expect((await test.client.call('addAddress', { customer_id: id, address })).created).toBe(false);
  });

  it('names every fault at once, the missing postal code among them', async () => {
    const { id } = await newCustomer();
    const add = (address: object | undefined) =>
      test.client.refusal(test.client.call('addAddress', { customer_id: id, address }));
    expect(await add(undefined)).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['address'] });
    expect((await add({ country_code: 'us' })).fields).toEqual(
      ['first_name', 'last_name', 'address_1', 'city', 'postal_code'].map((field) => `address.${field}`),
    );
    for (const country_code of ['xx', 'xk', 'uk', 'eu', 'usa', 'd', 'd e', '1']) {
      expect((await add({ ...anAddress(), country_code })).fields).toEqual(['address.country_code']);
    }
    const long = anAddress({ city: 'x'.repeat(201), postal_code: 'x'.repeat(21), metadata: { a: 'x\0' } });
    expect((await add(long)).fields).toEqual(['address.city', 'address.postal_code', 'address.metadata.a']);
    expect(await eventsOf(test.database, id)).toHaveLength(1);
  });

  it('demands no postal code in a country that has none', async () => {
    const { id } = await newCustomer();
    const address = anAddress({ country_code: 'HK', postal_code: '' });
    const answer = await test.client.call('addAddress', { customer_id: id, address });
    expect(answer.address).toMatchObject({ country_code: 'hk', postal_code: undefined });
  });

  it('refuses an unknown, a deleted and a differing customer, and records nothing', async () => {
    const { id } = await newCustomer();
    const add = (request: object) =>
      test.client.refusal(test.client.call('addAddress', { customer_id: id, address: anAddress(), ...request }));
    expect(await add({ customer_id: 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ' })).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'CUSTOMER_NOT_FOUND',
    });
    expect(await add({ expected_revision: 2 })).toMatchObject({
      code: 'ABORTED',
      reason: 'REVISION_MISMATCH',
      metadata: { current_revision: '1' },
    });
    await test.client.call('deleteCustomer', { id });
    expect(await add({})).toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' });
    expect(await eventsOf(test.database, id)).toHaveLength(2);
  });

  it('answers a repeated request_id with the first answer', async () => {
    const { id } = await newCustomer();
    const request = { customer_id: id, address: anAddress(), request_id: 'twice' };
    const first = await test.client.call('addAddress', request);
    await test.client.call('removeAddress', { customer_id: id, id: first.address!.id });
    expect(await test.client.call('addAddress', request)).toEqual(first);
    const other = test.client.call('addAddress', { ...request, address: anAddress({ city: 'Aarhus' }) });
    expect(await test.client.refusal(other)).toMatchObject({ reason: 'REQUEST_ID_REUSED' });
  });
});
