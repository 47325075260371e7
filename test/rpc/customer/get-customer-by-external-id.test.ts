import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

describe('GetCustomerByExternalId', () => {
  it('finds the one alive that carries it, exactly as it is written', async () => {
    const { customer } = await test.client.call('createCustomer', { email: 'e@example.com', external_id: 'Key 1' });
    const found = await test.client.call('getCustomerByExternalId', { external_id: ' Key 1 ' });
    expect(found.customer).toEqual(customer);
    for (const external_id of ['key 1', 'Key 2']) {
      const call = test.client.call('getCustomerByExternalId', { external_id });
      expect(await test.client.refusal(call)).toMatchObject({ code: 'NOT_FOUND', resource: external_id });
    }
    await test.client.call('deleteCustomer', { id: customer!.id });
    const gone = test.client.call('getCustomerByExternalId', { external_id: 'Key 1' });
    expect(await test.client.refusal(gone)).toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' });
  });

  it('refuses an empty one', async () => {
    const call = test.client.call('getCustomerByExternalId', { external_id: '' });
    expect(await test.client.refusal(call)).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['external_id'] });
  });
});
