import { Customer_Relation } from '../../../src/gen/customer/v1/customer';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

const PASSWORD = { password: 'a good password' };

describe.each([
  {
    rpc: 'getRegisteredCustomerByEmail',
    has_account: true,
    email: 'one@example.com',
    typed: ' ONE@example.COM',
    message: 'Customer with email: one@example.com, has_account: true was not found',
    own: PASSWORD,
    others: {},
  },
  {
    rpc: 'getUnregisteredCustomerByEmail',
    has_account: false,
    email: 'two@example.com',
    typed: ' TWO@example.COM',
    message: 'Customer with email: two@example.com, has_account: false was not found',
    own: {},
    others: PASSWORD,
  },
] as const)('$rpc', ({ rpc, has_account, email, typed, message, own, others }) => {
  it(`answers the one with has_account: ${has_account} alone, with what is asked for`, async () => {
    await test.client.call('createCustomer', { email, ...others });
    const refusal = await test.client.refusal(test.client.call(rpc, { email }));
    expect(refusal).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'CUSTOMER_NOT_FOUND',
      message,
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
    const { customer } = await test.client.call('createCustomer', { email, ...own, addresses: [address] });
    const { customer: found } = await test.client.call(rpc, {
      email: typed,
      read_mask: ['has_account'],
      expand: [Customer_Relation.RELATION_ADDRESSES],
    });
    expect(found).toMatchObject({ id: customer!.id, has_account, addresses: [{ city: 'D' }] });
    expect(found?.email ?? found?.created_at).toBeFalsy();
  });
});
