import { decode } from 'jsonwebtoken';
import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

let count = 0;
const newCustomer = async (password = 'the first one'): Promise<string> => {
  const email = `generate-${(count += 1)}@example.com`;
  return (await test.client.call('createCustomer', { email, password })).customer!.id;
};
const generate = (customer_id: string, more: object = {}) =>
  test.client.call('generateResetPasswordToken', { customer_id, ...more });
const reset = (token: string) => test.client.call('resetPassword', { token, password: 'the second one' });

describe('GenerateResetPasswordToken', () => {
  it('answers a token of 15 minutes, and records exactly one event without it', async () => {
    const id = await newCustomer();
    const before = await test.client.call('getCustomer', { id });
    const { token, expires_at, revision } = await generate(id);
    const exp = expires_at!.seconds;
    expect(decode(token, { complete: true })).toMatchObject({ header: { alg: 'HS256' } });
    expect(decode(token)).toEqual({ customer_id: id, iat: exp - 900, exp });
    expect(Math.abs(exp - 900 - Date.now() / 1_000)).toBeLessThan(60);
    expect(revision).toBe(2);
    const events = await eventsOf(test.database, id);
    expect(events).toHaveLength(2);
    expect(events[1]).toMatchObject({
      type: 'customer.password_reset',
      revision: 2,
      data: { expires_at: new Date(exp * 1_000).toISOString(), changed_fields: [], customer: { revision: 2 } },
    });
    expect(JSON.stringify(events)).not.toContain(token);
    expect((await test.client.call('getCustomer', { id })).customer).toEqual({ ...before.customer, revision: 2 });
  });

  it('refuses guests, customers that are gone and another revision, and records nothing', async () => {
    const refusalOf = (id: string, more: object = {}) => test.client.refusal(generate(id, more));
    const guest = await newCustomer('');
    expect(await refusalOf(guest)).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'CUSTOMER_HAS_NO_ACCOUNT',
      message: 'You must have an account to reset the password. Create an account first',
    });
    const id = await newCustomer();
    expect(await refusalOf(id, { expected_revision: 2 })).toMatchObject({ reason: 'REVISION_MISMATCH' });
    await test.client.call('deleteCustomer', { id });
    expect(await refusalOf(id)).toMatchObject({ code: 'NOT_FOUND', reason: 'CUSTOMER_NOT_FOUND' });
    await test.client.call('eraseCustomer', { id });
    expect(await refusalOf(id)).toMatchObject({ reason: 'CUSTOMER_ERASED' });
    expect(await refusalOf('cus_1', { request_id: 'ü' })).toMatchObject({ fields: ['customer_id', 'request_id'] });
    expect(await eventsOf(test.database, guest)).toHaveLength(1);
    expect((await eventsOf(test.database, id)).map(({ type }) => type)).not.toContain('customer.password_reset');
  });

  it('makes the same token again for a repeated request_id, also while the first is running, and stores it nowhere', async () => {
    const id = await newCustomer();
    const request = { request_id: 'generate-again' };
    const answers = await Promise.all(Array.from({ length: 8 }, () => generate(id, request)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await generate(id, request)).toEqual(answers[0]);
    expect(await eventsOf(test.database, id)).toHaveLength(2);
    const kept = await test.database.query<{ text: string }>(
      `select encode(response, 'escape') as text from idempotency_keys where request_id = 'generate-again'`,
    );
    expect(kept).toHaveLength(1);
    expect(kept[0]?.text).not.toContain(answers[0]!.token.slice(0, 20));
    await reset(answers[0]!.token);
  });

  it('makes no token again once the password was set, the customer is gone, or the time is over', async () => {
    const invalid = { code: 'FAILED_PRECONDITION', reason: 'RESET_TOKEN_INVALID' };
    const used = await newCustomer();
    const { token } = await generate(used, { request_id: 'used' });
    await reset(token);
    expect(await test.client.refusal(generate(used, { request_id: 'used' }))).toMatchObject(invalid);
    const deleted = await newCustomer();
    await generate(deleted, { request_id: 'deleted' });
    await test.client.call('deleteCustomer', { id: deleted });
    expect(await test.client.refusal(generate(deleted, { request_id: 'deleted' }))).toMatchObject(invalid);
    await test.client.call('eraseCustomer', { id: deleted });
    expect(await test.client.refusal(generate(deleted, { request_id: 'deleted' }))).toMatchObject({
      reason: 'CUSTOMER_ERASED',
    });
    const late = await newCustomer();
    await generate(late, { request_id: 'late' });
    const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 901_000);
    const again = test.client.refusal(generate(late, { request_id: 'late' }));
    expect(await again.finally(() => now.mockRestore())).toMatchObject(invalid);
  });

  it('makes tokens that all die with the password', async () => {
    const id = await newCustomer();
    const [first, second] = [await generate(id), await generate(id)];
    expect([first.revision, second.revision]).toEqual([2, 3]);
    await reset(first.token);
    expect(await test.client.refusal(reset(second.token))).toMatchObject({ reason: 'RESET_TOKEN_INVALID' });
  });
});
