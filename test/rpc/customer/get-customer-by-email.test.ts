import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

const createBoth = async (email: string) => {
  const guest = await test.client.call('createCustomer', { email });
  const registered = await test.client.call('createCustomer', { email, password: 'a good password' });
  return { guest: guest.customer!.id, registered: registered.customer!.id };
};

describe('the reads by e-mail', () => {
  it('tell the guest from the registered customer, in whatever case the e-mail is written', async () => {
    const { guest, registered } = await createBoth('both@example.com');
    const email = ' BOTH@Example.com ';
    expect((await test.client.call('getRegisteredCustomerByEmail', { email })).customer?.id).toBe(registered);
    expect((await test.client.call('getUnregisteredCustomerByEmail', { email })).customer?.id).toBe(guest);
    expect((await test.client.call('getCustomerByEmail', { email })).customer?.id).toBe(registered);
    const { customers } = await test.client.call('listCustomersByEmail', { email });
    expect(customers.map(({ id }) => id)).toEqual([registered, guest]);
  });

  it('do not see the deleted', async () => {
    const email = 'gone@example.com';
    const { guest, registered } = await createBoth(email);
    await test.client.call('deleteCustomer', { id: registered });
    expect((await test.client.call('getCustomerByEmail', { email })).customer?.id).toBe(guest);
    expect((await test.client.call('listCustomersByEmail', { email })).customers).toHaveLength(1);
    const refusal = await test.client.refusal(test.client.call('getRegisteredCustomerByEmail', { email }));
    expect(refusal).toMatchObject({
      reason: 'CUSTOMER_NOT_FOUND',
      message: 'Customer with email: gone@example.com, has_account: true was not found',
    });
    await test.client.call('deleteCustomer', { id: guest });
    expect((await test.client.call('listCustomersByEmail', { email })).customers).toEqual([]);
    for (const name of ['getCustomerByEmail', 'getUnregisteredCustomerByEmail'] as const) {
      expect(await test.client.refusal(test.client.call(name, { email }))).toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  it('refuse an empty e-mail, which is nobody’s, and unknown paths and relations', async () => {
    const names = [
      'getCustomerByEmail',
      'getRegisteredCustomerByEmail',
      'getUnregisteredCustomerByEmail',
      'listCustomersByEmail',
    ] as const;
    for (const name of names) {
      const call = test.client.call(name, {
        email: ' ',
        read_mask: ['nothing'],
        expand: [0, 99] as never[],
      });
      expect(await test.client.refusal(call)).toMatchObject({
        reason: 'INVALID_REQUEST',
        fields: ['email', 'read_mask', 'expand[0]', 'expand[1]'],
      });
    }
  });
});
