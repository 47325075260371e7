import { anAddress } from '../../support/address';
import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

let number = 0;
const create = (addresses: readonly object[], request: object = {}) => {
  number += 1;
  const email = `addresses-${number}@example.com`;
  return test.client.call('createCustomer', { email, addresses, ...request }, { deadlineMs: 20_000 });
};

describe('CreateCustomer with addresses', () => {
  it('stores equal ones once, the first, and tells them in its one event', async () => {
    const { customer } = await create([
      anAddress({ company: 'First' }),
      anAddress({ city: 'Aarhus' }),
      anAddress({ company: 'Second', province: '  ', country_code: 'DK' }),
    ]);
    const { addresses } = await test.client.call('listAddresses', { customer_id: customer!.id });
    expect(addresses.map(({ city, company }) => [city, company])).toEqual([
      ['København', 'First'],
      ['Aarhus', undefined],
    ]);
    const [event, ...others] = await eventsOf(test.database, customer!.id);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ type: 'customer.created', data: { changed_fields: [] } });
    expect(event?.data.addresses).toMatchObject(addresses.map(({ id, city }) => ({ id, city })));
    expect(event?.data.addresses?.[0]).toMatchObject({ customer_id: customer!.id, metadata: {} });
  });

  it('takes any number of equal ones and 100 different ones, but not 101', async () => {
    const different = Array.from({ length: 100 }, (_, n) => anAddress({ address_2: `${n}` }));
    const { customer } = await create([...different, ...different, ...different]);
    const { addresses } = await test.client.call('listAddresses', { customer_id: customer!.id });
    expect(addresses.map(({ address_2 }) => address_2)).toEqual(different.map((_, n) => `${n}`));
    const refused = await test.client.refusal(create([...different, anAddress()]));
    expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST', fields: ['addresses'] });
  });

  it('names every fault under its place', async () => {
    const faults = await test.client.refusal(
      create([anAddress(), anAddress({ city: '', postal_code: '' }), anAddress({ metadata: { a: '\0' } })], {
        first_name: 'x'.repeat(201),
      }),
    );
    expect(faults.fields).toEqual([
      'first_name',
      'addresses[1].city',
      'addresses[1].postal_code',
      'addresses[2].metadata.a',
    ]);
  });

  it('answers a megabyte of addresses within the deadline, sound or not', async () => {
    expect((await test.client.refusal(create(Array.from({ length: 300_000 }, () => ({}))))).fields).toHaveLength(5);
    const endless = Array.from({ length: 10_000 }, (_, n) => anAddress({ address_2: `${n}` }));
    expect((await test.client.refusal(create(endless))).fields).toEqual(['addresses']);
    const { customer } = await create(Array.from({ length: 10_000 }, () => anAddress()));
    expect(customer?.revision).toBe(1);
  });
});
