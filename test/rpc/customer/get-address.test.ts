import { anAddress } from '../../support/address';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

describe('GetAddress', () => {
  it('answers one address as ListAddresses does', async () => {
    const { customer } = await test.client.call('createCustomer', {
      email: 'two@example.com',
      addresses: [anAddress({ city: 'First' }), anAddress({ city: 'Second' })],
    });
    const { addresses } = await test.client.call('listAddresses', { customer_id: customer!.id });
    for (const address of addresses) {
      expect(await test.client.call('getAddress', { customer_id: customer!.id, id: address.id })).toEqual({ address });
    }
  });

  it('finds no customer that is unknown or deleted, and no address that is another’s', async () => {
    const { customer } = await test.client.call('createCustomer', {
      email: 'gone@example.com',
      addresses: [anAddress()],
    });
    const { customer: other } = await test.client.call('createCustomer', { email: 'bare@example.com' });
    const { addresses } = await test.client.call('listAddresses', { customer_id: customer!.id });
    const get = (customer_id: string, id = addresses[0]!.id) =>
      test.client.refusal(test.client.call('getAddress', { customer_id, id }));
    expect(await get(other!.id)).toMatchObject({ code: 'NOT_FOUND', reason: 'ADDRESS_NOT_FOUND' });
    expect(await get('cus_01HZZZZZZZZZZZZZZZZZZZZZZZ')).toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' });
    await test.client.call('deleteCustomer', { id: customer!.id });
    expect(await get(customer!.id)).toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' });
    expect((await get('', 'addr_')).fields).toEqual(['customer_id', 'id']);
  });
});
