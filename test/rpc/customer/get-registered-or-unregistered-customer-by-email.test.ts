import { Customer_Relation } from '../../../src/gen/customer/v1/customer';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

const email = 'one@example.com';

describe('GetRegisteredCustomerByEmail', () => {
  it('answers the registered one alone, with what is asked for', async () => {
    await test.client.call('createCustomer', { email });
    const refusal = await test.client.refusal(test.client.call('getRegisteredCustomerByEmail', { email }));
    expect(refusal).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'CUSTOMER_NOT_FOUND',
      message: 'Customer with email: one@example.com, has_account: true was not found',
      resource: email,
    });
    const address = {
      first_name: 'A',
      last_name: 'B',
      address_1: 'C',
      city: 'D',
      country_code: 'dk',
      postal_code: '1',
    };
    const { customer } = await test.client.call('createCustomer', {
      email,
      password: 'a good password',
      addresses: [address],
    });
    const { customer: found } = await test.client.call('getRegisteredCustomerByEmail', {
      email: ' ONE@example.COM',
      read_mask: ['has_account'],
      expand: [Customer_Relation.RELATION_ADDRESSES],
    });
    expect(found).toMatchObject({ id: customer!.id, has_account: true, addresses: [{ city: 'D' }] });
    expect(found?.email ?? found?.created_at).toBeFalsy();
  });
});
