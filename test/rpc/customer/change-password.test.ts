import bcrypt from 'bcrypt';
import { eventsOf } from '../../support/events';
import { watchHashing } from '../../support/hashing';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService({ env: { LOGIN_MAX_FAILURES: '2' } })));
afterAll(() => test.stop());

const FIRST = 'the first one';
const SECOND = 'the second one';
const UNKNOWN = 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ';

let count = 0;
const newCustomer = async (password = FIRST): Promise<{ id: string; email: string }> => {
  const email = `change-${(count += 1)}@example.com`;
  const { customer } = await test.client.call('createCustomer', { email, password });
  return { id: customer!.id, email };
};
const change = (customer_id: string, more: object = {}) =>
  test.client.call('changePassword', { customer_id, current_password: FIRST, new_password: SECOND, ...more });
const isLetIn = async (email: string, password: string, source = '') =>
  (await test.client.call('authenticateCustomer', { email, password, source })).authenticated;
const typesOf = async (id: string) => (await eventsOf(test.database, id)).map(({ type }) => type);

describe('ChangePassword', () => {
  it('sets the new password, and records exactly one event that tells no field', async () => {
    const { id, email } = await newCustomer();
    const { customer } = await change(id);
    expect(customer).toMatchObject({ id, email, has_account: true, revision: 2 });
    expect((await test.client.call('getCustomer', { id })).customer).toEqual(customer);
    expect(await isLetIn(email, FIRST)).toBe(false);
    expect(await isLetIn(email, SECOND)).toBe(true);
    expect(await typesOf(id)).toEqual(['customer.created', 'customer.password_changed']);
    const [, event] = await eventsOf(test.database, id);
    expect(event).toMatchObject({ revision: 2, data: { changed_fields: [] } });
    expect(event?.data).not.toHaveProperty('previous');
    const [row] = await test.database.query('select password_revision from customers where id = $1', [id]);
    expect(row).toEqual({ password_revision: 2 });
  });

  it('is a change even where the new password is the current one', async () => {
    const { id } = await newCustomer();
    expect((await change(id, { new_password: FIRST })).customer).toMatchObject({ revision: 2 });
  });

  it('refuses, and records nothing: a wrong or too long current password, guests, and customers that are gone', async () => {
    const refusalOf = (id: string, more: object = {}) => test.client.refusal(change(id, more));
    const { id, email } = await newCustomer();
    const mismatch = { code: 'FAILED_PRECONDITION', reason: 'PASSWORD_MISMATCH' };
    expect(await refusalOf(id, { current_password: 'wrong' })).toMatchObject(mismatch);
    expect(await refusalOf(id, { current_password: FIRST.padEnd(73, 'x') })).toMatchObject(mismatch);
    expect(await refusalOf(id, { expected_revision: 7, current_password: 'wrong' })).toMatchObject({
      code: 'ABORTED',
      reason: 'REVISION_MISMATCH',
      metadata: { current_revision: '1' },
    });
    const guest = (await test.client.call('createCustomer', { email })).customer!.id;
    const noAccount = { code: 'FAILED_PRECONDITION', reason: 'CUSTOMER_HAS_NO_ACCOUNT' };
    expect(await refusalOf(guest)).toMatchObject(noAccount);
    const notFound = { code: 'NOT_FOUND', reason: 'CUSTOMER_NOT_FOUND' };
    expect(await refusalOf(UNKNOWN)).toMatchObject(notFound);
    const deleted = (await newCustomer()).id;
    await test.client.call('deleteCustomer', { id: deleted });
    expect(await refusalOf(deleted)).toMatchObject(notFound);
    await test.client.call('eraseCustomer', { id: deleted });
    expect(await refusalOf(deleted)).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'CUSTOMER_ERASED' });
    expect(await typesOf(id)).toEqual(['customer.created']);
    expect(await isLetIn(email, FIRST)).toBe(true);
  });

  it('names every fault of a request at once', async () => {
    const call = change('cus_1', { current_password: '', new_password: 'é'.repeat(37), request_id: 'a b' });
    expect(await test.client.refusal(call)).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: ['customer_id', 'current_password', 'new_password', 'request_id'],
    });
    const { id } = await newCustomer();
    for (const new_password of ['1234567', 'null\0null', '']) {
      expect(await test.client.refusal(change(id, { new_password }))).toMatchObject({ fields: ['new_password'] });
    }
    await change(id, { new_password: '12345678' });
  });

  it('lets one of eight at once win', async () => {
    const { id, email } = await newCustomer();
    const passwords = Array.from({ length: 8 }, (_, index) => `number ${index} of eight`);
    const results = await Promise.allSettled(passwords.map((new_password) => change(id, { new_password })));
    const won = passwords.filter((_, index) => results[index]?.status === 'fulfilled');
    expect(won).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ reason: 'PASSWORD_MISMATCH' });
    }
    expect(await isLetIn(email, won[0]!)).toBe(true);
    expect(await typesOf(id)).toEqual(['customer.created', 'customer.password_changed']);
  });

  it('starts over when the hash was made anew while it was compared', async () => {
    const { id } = await newCustomer();
    const watch = watchHashing();
    watch.run.mockImplementationOnce(async () => {
      const anew = bcrypt.hashSync(FIRST, 4);
      await test.database.query('update customers set password_hash = $2 where id = $1', [id, anew]);
      return true;
    });
    expect((await change(id)).customer).toMatchObject({ revision: 2 });
    expect(watch.comparedWith()).toHaveLength(2);
    watch.restore();
  });

  it('answers a repeated request_id as the first time, without looking at the passwords again', async () => {
    const { id } = await newCustomer();
    const request = { request_id: 'change-again', expected_revision: 1 };
    const answers = await Promise.all(Array.from({ length: 8 }, () => change(id, request)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    const watch = watchHashing();
    expect(await change(id, request)).toEqual(answers[0]);
    expect(watch.run).not.toHaveBeenCalled();
    watch.restore();
    expect(await typesOf(id)).toEqual(['customer.created', 'customer.password_changed']);
    expect(await test.client.refusal(change(id, { ...request, new_password: 'a third one' }))).toMatchObject({
      reason: 'REQUEST_ID_REUSED',
    });
  });

  it('opens every lock of the e-mail', async () => {
    const { id, email } = await newCustomer();
    for (const source of ['a', 'a', 'b', 'b']) await isLetIn(email, 'wrong', source);
    expect(await isLetIn(email, FIRST, 'a')).toBe(false);
    await change(id);
    expect(await isLetIn(email, SECOND, 'a')).toBe(true);
    expect(await isLetIn(email, SECOND, 'b')).toBe(true);
  });
});
