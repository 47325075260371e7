import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

const list = async (email: string) => (await test.client.call('listCustomersByEmail', { email })).customers;

describe('ListCustomersByEmail', () => {
  it('answers none, one or both, the registered one first', async () => {
    const email = 'both@example.com';
    await test.client.call('createCustomer', { email: 'another@example.com' });
    expect(await list(email)).toEqual([]);
    const guest = await test.client.call('createCustomer', { email });
    expect(await list(email)).toEqual([guest.customer]);
    const registered = await test.client.call('createCustomer', { email, password: 'a good password' });
    expect(await list(' BOTH@example.com')).toEqual([registered.customer, guest.customer]);
    await test.client.call('eraseCustomer', { id: registered.customer!.id });
    expect(await list(email)).toEqual([guest.customer]);
  });

  it('narrows both by the mask', async () => {
    const email = 'mask@example.com';
    await test.client.call('createCustomer', { email, first_name: 'Guest' });
    await test.client.call('createCustomer', { email, first_name: 'Registered', password: 'a good password' });
    const { customers } = await test.client.call('listCustomersByEmail', { email, read_mask: ['first_name'] });
    expect(customers.map(({ first_name }) => first_name)).toEqual(['Registered', 'Guest']);
    expect(customers.every(({ email: hidden, created_at }) => !hidden && created_at === undefined)).toBe(true);
  });
});
