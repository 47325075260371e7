import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

const create = async (email: string, phone: string, password = '') =>
  (await test.client.call('createCustomer', { email, phone, password })).customer!.id;
const find = async (phone: string) => (await test.client.call('getCustomerByPhone', { phone })).customer!.id;

describe('GetCustomerByPhone', () => {
  it('compares without blanks and punctuation, a leading 00 as +', async () => {
    const id = await create('p@example.com', '+45 (12) 34-56/78');
    for (const phone of ['+4512345678', '0045 12.34 56 78', '00(45)[12]-345678']) expect(await find(phone)).toBe(id);
    for (const dash of '\u2010\u2011\u2012\u2013\u2014') expect(await find(`+4512${dash}345678`)).toBe(id);
    const other = test.client.call('getCustomerByPhone', { phone: '4512345678' });
    expect(await test.client.refusal(other)).toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' });
  });

  it('answers the registered one of several, else the oldest, never a deleted one', async () => {
    const first = await create('a@example.com', '555 1');
    const second = await create('b@example.com', '5551');
    expect(await find('55-51')).toBe(first);
    const registered = await create('c@example.com', '5 5 5 1', 'a good password');
    expect(await find('5551')).toBe(registered);
    for (const id of [registered, first]) await test.client.call('deleteCustomer', { id });
    expect(await find('5551')).toBe(second);
  });

  it('refuses a phone of nothing but punctuation, although one is stored', async () => {
    await create('d@example.com', '--');
    for (const phone of ['', '  ', '--', '1\0', '1'.repeat(41)]) {
      const call = test.client.call('getCustomerByPhone', { phone });
      expect(await test.client.refusal(call)).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['phone'] });
    }
  });
});
