import { anAddress } from '../../support/address';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

describe('ListAddresses', () => {
  it('answers the addresses of one customer, oldest first, those of one create in the order given', async () => {
    const cities = Array.from({ length: 20 }, (_, n) => `City ${n}`);
    const { customer } = await test.client.call('createCustomer', {
      email: 'list@example.com',
      addresses: cities.map((city) => anAddress({ city })),
    });
    await test.client.call('createCustomer', { email: 'other@example.com', addresses: [anAddress()] });
    await test.client.call('addAddress', { customer_id: customer!.id, address: anAddress({ city: 'Last' }) });
    const { addresses } = await test.client.call('listAddresses', { customer_id: customer!.id });
    expect(addresses.map(({ city }) => city)).toEqual([...cities, 'Last']);
  });

  it('answers for many customers at once', async () => {
    const created = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        test.client.call('createCustomer', {
          email: `many-${n}@example.com`,
          addresses: [anAddress({ city: `${n}` })],
        }),
      ),
    );
    const lists = await Promise.all(
      created.map(({ customer }) => test.client.call('listAddresses', { customer_id: customer!.id })),
    );
    expect(lists.map(({ addresses }) => addresses.map(({ city }) => city))).toEqual(lists.map((_, n) => [`${n}`]));
  });

  it('finds no customer that is unknown or deleted', async () => {
    const unknown = 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ';
    const { customer } = await test.client.call('createCustomer', {
      email: 'gone@example.com',
      addresses: [anAddress()],
    });
    const { customer: other } = await test.client.call('createCustomer', { email: 'bare@example.com' });
    const list = (customer_id: string) => test.client.refusal(test.client.call('listAddresses', { customer_id }));
    expect(await test.client.call('listAddresses', { customer_id: other!.id })).toEqual({ addresses: [] });
    expect(await list(unknown)).toMatchObject({ code: 'NOT_FOUND', reason: 'CUSTOMER_NOT_FOUND', resource: unknown });
    await test.client.call('deleteCustomer', { id: customer!.id });
    expect(await list(customer!.id)).toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' });
    expect((await list('')).fields).toEqual(['customer_id']);
  });
});
