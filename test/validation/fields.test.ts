import { anAddress } from '../support/address';
import { startTestService, type TestService } from '../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

let number = 0;
const create = async (request: object = {}) => {
  number += 1;
  return (await test.client.call('createCustomer', { email: `fields-${number}@example.com`, ...request })).customer!;
};
const fieldsOf = async (call: Promise<unknown>) => (await test.client.refusal(call)).fields;

const CUSTOMER = { first_name: 200, last_name: 200, phone: 40, external_id: 200 };
const ADDRESS = {
  company: 200,
  first_name: 200,
  last_name: 200,
  address_1: 300,
  address_2: 300,
  city: 200,
  province: 200,
  postal_code: 20,
  phone: 40,
};
/** Two UTF-16 units, one code point. */
const LETTER = '𝔘';
const filled = (limits: Readonly<Record<string, number>>, more = 0) =>
  Object.fromEntries(Object.entries(limits).map(([field, max]) => [field, LETTER.repeat(max + more)]));
const each = (limits: object, text: string) => Object.fromEntries(Object.keys(limits).map((field) => [field, text]));

describe('a text', () => {
  it('may have as many code points as its limit says, in every field of a customer and an address', async () => {
    const customer = await create({ ...filled(CUSTOMER), addresses: [anAddress(filled(ADDRESS))] });
    expect(customer).toMatchObject(filled(CUSTOMER));
    const { addresses } = await test.client.call('listAddresses', { customer_id: customer.id });
    expect(addresses).toMatchObject([filled(ADDRESS)]);
  });

  it.each([
    ['one code point more', (limits: Readonly<Record<string, number>>) => filled(limits, 1)],
    ['U+0000', (limits: object) => each(limits, 'a\0b')],
  ])('is refused with %s, in every field and by every rpc that takes it', async (_, bad) => {
    const { id } = await create({ addresses: [anAddress()] });
    const { addresses } = await test.client.call('listAddresses', { customer_id: id });
    const address = anAddress(bad(ADDRESS));
    const under = (path: string) => Object.keys(ADDRESS).map((field) => `${path}${field}`);
    const target = { target: { $case: 'address' as const, value: address } };
    expect(await fieldsOf(create({ ...bad(CUSTOMER), addresses: [address] }))).toEqual([
      ...Object.keys(CUSTOMER),
      ...under('addresses[0].'),
    ]);
    expect(
      await fieldsOf(test.client.call('updateCustomer', { id, ...bad(CUSTOMER), billing_address: target })),
    ).toEqual([...Object.keys(CUSTOMER), ...under('billing_address.address.')]);
    expect(await fieldsOf(test.client.call('addAddress', { customer_id: id, address }))).toEqual(under('address.'));
    const update = { customer_id: id, id: addresses[0]!.id, ...bad(ADDRESS) };
    expect(await fieldsOf(test.client.call('updateAddress', update))).toEqual(under(''));
    for (const rpc of ['updateBillingAddress', 'updateShippingAddress'] as const) {
      expect(await fieldsOf(test.client.call(rpc, { customer_id: id, target }))).toEqual(under('target.address.'));
    }
    const name = bad({ name: 200 });
    const { customer_group: group } = await test.client.call('createCustomerGroup', { name: `fields ${number}` });
    expect(await fieldsOf(test.client.call('createCustomerGroup', name))).toEqual(['name']);
    expect(await fieldsOf(test.client.call('updateCustomerGroup', { id: group!.id, ...name }))).toEqual(['name']);
  });

  it('is stored in NFC and trimmed; the field is empty when nothing is left', async () => {
    const { id } = await create({ first_name: ' A\u030a\u00a0', last_name: ' \t\n', phone: '\u3000' });
    const sql = 'select first_name, last_name, phone from customers where id = $1';
    expect(await test.database.query(sql, [id])).toEqual([{ first_name: '\u00c5', last_name: null, phone: null }]);
    await test.client.call('updateCustomer', { id, first_name: ' ', last_name: 'O\u0308 ' });
    expect(await test.database.query(sql, [id])).toEqual([{ first_name: null, last_name: '\u00d6', phone: null }]);
  });

  it('that an address must have cannot be cleared, whichever it is', async () => {
    const { id } = await create({ addresses: [anAddress()] });
    const { addresses } = await test.client.call('listAddresses', { customer_id: id });
    const required = { first_name: ' ', last_name: '', address_1: '', city: '', country_code: '' };
    const clear = test.client.call('updateAddress', { customer_id: id, id: addresses[0]!.id, ...required });
    expect(await fieldsOf(clear)).toEqual(Object.keys(required));
  });
});

describe('a password', () => {
  const FIRST = 'the first one';
  /** Every way to set one, and the field it is in. */
  const SETTERS = {
    createCustomer: async (password: string) => create({ password }),
    updateCustomer: async (password: string) => {
      const { id } = await create();
      return (await test.client.call('updateCustomer', { id, password })).customer!;
    },
    changePassword: async (new_password: string) => {
      const { id } = await create({ password: FIRST });
      const request = { customer_id: id, current_password: FIRST, new_password };
      return (await test.client.call('changePassword', request)).customer!;
    },
    resetPassword: async (password: string) => {
      const { id } = await create({ password: FIRST });
      const { token } = await test.client.call('generateResetPasswordToken', { customer_id: id });
      return (await test.client.call('resetPassword', { token, password })).customer!;
    },
  };
  const isLetIn = async (email: string, password: string) =>
    (await test.client.call('authenticateCustomer', { email, password })).authenticated;

  it.each(Object.entries(SETTERS))('has 8 to 72 bytes and no U+0000 in %s', async (rpc, set) => {
    const field = rpc === 'changePassword' ? 'new_password' : 'password';
    const bad = ['1234567', 'ééé1', 'x'.repeat(73), `${'é'.repeat(36)}x`, 'null\0null'];
    // On create nothing is no password.
    for (const password of rpc === 'createCustomer' ? bad : ['', ...bad]) {
      expect(await test.client.refusal(set(password))).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'INVALID_REQUEST',
        fields: [field],
      });
    }
    for (const password of ['éééé', 'é'.repeat(36)]) {
      const { email } = await set(password);
      expect(await isLetIn(email, password)).toBe(true);
    }
  });

  it.each(Object.entries(SETTERS))('is taken as it is by %s, blanks and decomposed letters too', async (_, set) => {
    const password = ' A\u030a blank ';
    const { email } = await set(password);
    expect(await isLetIn(email, password.trim())).toBe(false);
    expect(await isLetIn(email, password.normalize('NFC'))).toBe(false);
    expect(await isLetIn(email, password)).toBe(true);
  });

  it('has as many bytes as PASSWORD_MIN_LENGTH says', async () => {
    const strict = await startTestService({ database: test.database, env: { PASSWORD_MIN_LENGTH: '12' } });
    const register = (password: string) =>
      strict.client.call('createCustomer', { email: 'strict@example.com', password });
    expect(await strict.client.refusal(register('x'.repeat(11)))).toMatchObject({ fields: ['password'] });
    expect((await register('x'.repeat(12))).customer).toMatchObject({ has_account: true });
    await strict.stop();
  });
});
