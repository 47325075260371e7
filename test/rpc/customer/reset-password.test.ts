import { createHmac } from 'node:crypto';
import bcrypt from 'bcrypt';
import jwt from 'jsonwebtoken';
import { eventsOf } from '../../support/events';
import { watchHashing } from '../../support/hashing';
import { startTestService, type TestService } from '../../support/service';

const OLD_SECRET = 'an old secret for tests that is long enough';
const NEW_SECRET = 'a new secret for tests that is long enough';

let test: TestService;
beforeAll(async () => (test = await startTestService({ env: { TOKEN_SECRET: OLD_SECRET, LOGIN_MAX_FAILURES: '2' } })));
afterAll(() => test.stop());

const FIRST = 'the first one';
const SECOND = 'the second one';

let count = 0;
const newCustomer = async (): Promise<{ id: string; email: string; token: string }> => {
  const email = `reset-${(count += 1)}@example.com`;
  const { customer } = await test.client.call('createCustomer', { email, password: FIRST });
  return { id: customer!.id, email, token: await tokenFor(customer!.id) };
};
const tokenFor = async (customer_id: string) =>
  (await test.client.call('generateResetPasswordToken', { customer_id })).token;
const reset = (token: string, more: object = {}) =>
  test.client.call('resetPassword', { token, password: SECOND, ...more });
const isLetIn = async (email: string, password: string, source = '') =>
  (await test.client.call('authenticateCustomer', { email, password, source })).authenticated;
const typesOf = async (id: string) => (await eventsOf(test.database, id)).map(({ type }) => type);
const hashOf = async (id: string) => {
  const rows = await test.database.query<{ hash: string }>(
    'select password_hash as hash from customers where id = $1',
    [id],
  );
  return rows[0]!.hash;
};
const INVALID = { code: 'FAILED_PRECONDITION', reason: 'RESET_TOKEN_INVALID', message: 'The token is not valid' };

/** A token made by hand. */
const forge = (key: string, payload: object, options: jwt.SignOptions = {}) =>
  jwt.sign(payload, key, { algorithm: 'HS256', ...options });
const keyOf = (secret: string, hash: string) => createHmac('sha256', secret).update(hash).digest('hex');
const encoded = (value: string) => Buffer.from(value).toString('base64url');

describe('ResetPassword', () => {
  it('sets the password, and records exactly one event', async () => {
    const { id, email, token } = await newCustomer();
    const { customer } = await reset(token);
    expect(customer).toMatchObject({ id, revision: 3, has_account: true });
    expect((await test.client.call('getCustomer', { id })).customer).toEqual(customer);
    expect(await isLetIn(email, FIRST)).toBe(false);
    expect(await isLetIn(email, SECOND)).toBe(true);
    const [, , event, ...others] = await eventsOf(test.database, id);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ type: 'customer.password_changed', revision: 3, data: { changed_fields: [] } });
    expect(event?.data).not.toHaveProperty('previous');
  });

  it('takes a token that was made by hand as the contract says, so that what follows is refused for one reason each', async () => {
    const { id } = await newCustomer();
    const iat = Math.floor(Date.now() / 1_000);
    await reset(forge(keyOf(OLD_SECRET, await hashOf(id)), { customer_id: id, iat, exp: iat + 900 }));
  });

  it('refuses every bad token with one text, and records nothing', async () => {
    const { id, token } = await newCustomer();
    const other = await newCustomer();
    const hash = await hashOf(id);
    const key = keyOf(OLD_SECRET, hash);
    const iat = Math.floor(Date.now() / 1_000);
    const payload = { customer_id: id, iat, exp: iat + 900 };
    const [header, body, signature] = token.split('.') as [string, string, string];
    const bad: Record<string, string> = {
      'no token': 'nonsense',
      'three empty parts': '..',
      'of algorithm none': `${encoded('{"alg":"none","typ":"JWT"}')}.${body}.`,
      'of algorithm none, signed': `${encoded('{"alg":"none","typ":"JWT"}')}.${body}.${signature}`,
      'of another algorithm': forge(key, payload, { algorithm: 'HS512' }),
      'by another secret': forge(keyOf(NEW_SECRET, hash), payload),
      'by the hash alone': forge(hash, payload),
      'by another customer': forge(keyOf(OLD_SECRET, await hashOf(other.id)), payload),
      'for another customer': `${header}.${encoded(JSON.stringify({ ...payload, customer_id: other.id }))}.${signature}`,
      'that never expires': forge(key, { customer_id: id, iat }),
      'that has expired': forge(key, { customer_id: id, iat: iat - 901, exp: iat - 1 }),
      'with an altered signature': `${header}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
      'with a payload that is no JSON': `${encoded('{"alg":"HS256","typ":"JWT"}')}.${encoded('{')}.${signature}`,
      'with a payload that is a text': forge(key, 'text' as never),
      'for nobody': forge(key, { iat, exp: iat + 900 }),
      'for a number': forge(key, { ...payload, customer_id: 1 }),
      'for what is no id': forge(key, { ...payload, customer_id: "cus_' or true" }),
      'for an unknown customer': forge(key, { ...payload, customer_id: 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ' }),
    };
    for (const [name, given] of Object.entries(bad)) {
      expect({ name, ...(await test.client.refusal(reset(given))) }).toMatchObject({ name, ...INVALID });
    }
    expect(await typesOf(id)).toEqual(['customer.created', 'customer.password_reset']);
    await reset(token);
  });

  it('refuses a token that was used, that the password has left behind, or whose customer is gone', async () => {
    const used = await newCustomer();
    await reset(used.token);
    expect(await test.client.refusal(reset(used.token))).toMatchObject(INVALID);
    const changed = await newCustomer();
    const request = { customer_id: changed.id, current_password: FIRST, new_password: FIRST };
    await test.client.call('changePassword', request);
    expect(await test.client.refusal(reset(changed.token))).toMatchObject(INVALID);
    const gone = await newCustomer();
    await test.client.call('deleteCustomer', { id: gone.id });
    expect(await test.client.refusal(reset(gone.token))).toMatchObject(INVALID);
    await test.client.call('eraseCustomer', { id: gone.id });
    expect(await test.client.refusal(reset(gone.token))).toMatchObject(INVALID);
  });

  it('refuses a token once a login has hashed the password anew; the next one is good', async () => {
    const { id, email } = await newCustomer();
    await test.database.query('update customers set password_hash = $2 where id = $1', [id, bcrypt.hashSync(FIRST, 5)]);
    const token = await tokenFor(id);
    expect(await isLetIn(email, FIRST)).toBe(true);
    expect(await test.client.refusal(reset(token))).toMatchObject(INVALID);
    await reset(await tokenFor(id));
  });

  it('names every fault of a request at once, whatever the token', async () => {
    const { token } = await newCustomer();
    const call = reset('', { password: 'short', request_id: 'a b' });
    expect(await test.client.refusal(call)).toMatchObject({ fields: ['token', 'password', 'request_id'] });
    expect(await test.client.refusal(reset(token, { password: 'x'.repeat(73) }))).toMatchObject({
      fields: ['password'],
    });
    await reset(token, { password: 'x'.repeat(72) });
  });

  it('lets one of eight at once win with one token', async () => {
    const { id, email, token } = await newCustomer();
    const passwords = Array.from({ length: 8 }, (_, index) => `number ${index} of eight`);
    const results = await Promise.allSettled(passwords.map((password) => reset(token, { password })));
    const won = passwords.filter((_, index) => results[index]?.status === 'fulfilled');
    expect(won).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(INVALID);
    expect(await isLetIn(email, won[0]!)).toBe(true);
    expect((await typesOf(id)).slice(1)).toEqual(['customer.password_reset', 'customer.password_changed']);
  });

  it('answers a repeated request_id as the first time, although the token is used, until the customer is erased', async () => {
    const { id, token } = await newCustomer();
    const request = { request_id: 'reset-again' };
    const first = await reset(token, request);
    const watch = watchHashing();
    expect(await reset(token, request)).toEqual(first);
    expect(watch.run).not.toHaveBeenCalled();
    watch.restore();
    expect(await test.client.refusal(reset(token, { ...request, password: 'a third one' }))).toMatchObject({
      reason: 'REQUEST_ID_REUSED',
    });
    await test.client.call('eraseCustomer', { id });
    expect(await test.client.refusal(reset(token, request))).toMatchObject(INVALID);
  });

  it('answers a double that comes while the first is running as the first', async () => {
    const { id, token } = await newCustomer();
    const { reads } = test.service.context;
    const read = reads.customer;
    let first: ReturnType<typeof reset> | undefined;
    // The double has found no answer yet, and reads a customer whose token is used by then.
    const slow = jest.spyOn(reads, 'customer').mockImplementationOnce(async (...args) => {
      first = reset(token, { request_id: 'double' });
      await first;
      return read(...args);
    });
    expect(await reset(token, { request_id: 'double' })).toEqual(await first);
    slow.mockRestore();
    expect(await typesOf(id)).toHaveLength(3);
  });

  it('opens every lock of the e-mail', async () => {
    const { email, token } = await newCustomer();
    for (const source of ['a', 'a', 'b', 'b']) await isLetIn(email, 'wrong', source);
    expect(await isLetIn(email, FIRST, 'b')).toBe(false);
    await reset(token);
    expect(await isLetIn(email, SECOND, 'a')).toBe(true);
    expect(await isLetIn(email, SECOND, 'b')).toBe(true);
  });

  it('takes tokens of every secret, and makes them with the first', async () => {
    const { token } = await newCustomer();
    const { id } = await newCustomer();
    const env = { ...test.env, TOKEN_SECRET: `${NEW_SECRET},${OLD_SECRET}` };
    const rotated = await startTestService({ database: test.database, env });
    try {
      await rotated.client.call('resetPassword', { token, password: SECOND });
      const made = await rotated.client.call('generateResetPasswordToken', { customer_id: id });
      expect(await test.client.refusal(reset(made.token))).toMatchObject(INVALID);
      await rotated.client.call('resetPassword', { token: made.token, password: SECOND });
    } finally {
      await rotated.stop();
    }
  });
});
