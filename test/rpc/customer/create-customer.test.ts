import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

const ID = 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ';

describe('CreateCustomer', () => {
  it('answers what it stored, normalised, and records exactly one event', async () => {
    const { customer } = await test.client.call('createCustomer', {
      email: '  ANNA@Example.COM ',
      first_name: ' Anna ',
      last_name: '',
      metadata: { vip: true, note: '' },
      request_id: 'create-1',
    });
    expect(customer).toMatchObject({
      email: 'anna@example.com',
      first_name: 'Anna',
      last_name: undefined,
      has_account: false,
      metadata: { vip: true, note: '' },
      revision: 1,
      deleted_at: undefined,
    });
    const read = await test.client.call('getCustomer', { id: customer!.id });
    expect(read.customer).toEqual(customer);
    const events = await eventsOf(test.database, customer!.id);
    expect(events).toMatchObject([
      {
        type: 'customer.created',
        revision: 1,
        request_id: 'create-1',
        data: { changed_fields: [], customer: { email: 'anna@example.com', has_account: false, revision: 1 } },
      },
    ]);
    expect(events[0]?.data.previous).toBeUndefined();
  });

  it('lets one guest and one registered customer share an e-mail, never two of a kind', async () => {
    const guest = await test.client.call('createCustomer', { email: 'two@example.com' });
    const registered = await test.client.call('createCustomer', { email: 'two@example.com', password: 'long enough' });
    expect(registered.customer?.has_account).toBe(true);
    expect(await test.client.refusal(test.client.call('createCustomer', { email: 'TWO@example.com' }))).toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'GUEST_ALREADY_EXISTS',
      message: 'Guest customer with email already exists',
      metadata: { existing_customer_id: guest.customer?.id },
      resource: guest.customer?.id,
    });
    const again = test.client.call('createCustomer', { email: 'two@example.com', password: 'long enough' });
    expect(await test.client.refusal(again)).toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'CUSTOMER_ALREADY_REGISTERED',
      message: 'A customer with the given email already has an account. Log in instead',
      metadata: { existing_customer_id: registered.customer?.id },
    });
    const count = await test.database.query(`select 1 from customers where email = 'two@example.com'`);
    expect(count).toHaveLength(2);
  });

  it('looks at conflicts in the order id, e-mail, external_id', async () => {
    const taken = { id: ID, email: 'order@example.com', external_id: 'order' };
    await test.client.call('createCustomer', taken);
    const reasonOf = async (request: object) =>
      (await test.client.refusal(test.client.call('createCustomer', request))).reason;
    expect(await reasonOf(taken)).toBe('CUSTOMER_ID_TAKEN');
    expect(await reasonOf({ ...taken, id: '' })).toBe('GUEST_ALREADY_EXISTS');
    expect(await reasonOf({ email: 'order2@example.com', external_id: 'order' })).toBe('EXTERNAL_ID_TAKEN');
    expect((await test.client.call('getCustomer', { id: ID })).customer).toMatchObject({ ...taken, revision: 1 });
    await test.client.call('deleteCustomer', { id: ID });
    expect(await reasonOf({ id: ID, email: 'order3@example.com' })).toBe('CUSTOMER_ID_TAKEN');
    await test.client.call('createCustomer', { ...taken, id: '' });
  });

  it('creates one of eight at once and refuses seven', async () => {
    const calls = Array.from({ length: 8 }, () => test.client.call('createCustomer', { email: 'race@example.com' }));
    const results = await Promise.allSettled(calls);
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as object] : []));
    expect(refused).toHaveLength(7);
    for (const refusal of refused) expect(refusal).toMatchObject({ reason: 'GUEST_ALREADY_EXISTS' });
    expect(await test.database.query(`select 1 from customers where email = 'race@example.com'`)).toHaveLength(1);
  });

  it('answers a repeated request_id as the first time, also while that is still running', async () => {
    const request = { email: 'again@example.com', password: 'long enough', request_id: 'again' };
    const answers = await Promise.all(Array.from({ length: 8 }, () => test.client.call('createCustomer', request)));
    expect(new Set(answers.map((answer) => answer.customer?.id)).size).toBe(1);
    expect(await test.client.call('createCustomer', request)).toEqual(answers[0]);
    expect(await eventsOf(test.database, answers[0]?.customer?.id)).toHaveLength(1);
    const other = test.client.call('createCustomer', { ...request, first_name: 'Other' });
    expect(await test.client.refusal(other)).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'REQUEST_ID_REUSED' });
  });

  it('names every fault of a request at once, and stores nothing', async () => {
    const refusal = await test.client.refusal(
      test.client.call('createCustomer', {
        email: 'no e-mail',
        password: 'short',
        first_name: 'x'.repeat(201),
        last_name: 'a\0b',
        phone: '1'.repeat(41),
        external_id: 'y'.repeat(201),
        id: 'cus_1',
        metadata: { good: 1, 'bad key': 'a\0b', deep: nested(11) },
        request_id: 'with blank',
      }),
    );
    expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
    expect([...(refusal.fields ?? [])].sort()).toEqual([
      'email',
      'external_id',
      'first_name',
      'id',
      'last_name',
      'metadata.bad key',
      'metadata.deep',
      'password',
      'phone',
      'request_id',
    ]);
  });

  it('says what is wrong with a password and an id that are optional', async () => {
    const call = test.client.call('createCustomer', { email: 'said@example.com', password: 'short', id: 'cus_1' });
    const { message } = await test.client.refusal(call);
    expect(message).toContain('password: must have at least 8 bytes');
    expect(message).toContain('id: must be an id: cus_ and a ULID');
  });

  it('keeps passwords out of replies, events and logs, hashed in the row', async () => {
    const password = 'a very secret password';
    const { customer } = await test.client.call('createCustomer', { email: 'secret@example.com', password });
    const [row] = await test.database.query<{ password_hash: string; password_revision: number }>(
      'select password_hash, password_revision from customers where id = $1',
      [customer!.id],
    );
    expect(row).toMatchObject({ password_hash: expect.stringMatching(/^\$2b\$04\$/), password_revision: 1 });
    const told = JSON.stringify([customer, await eventsOf(test.database), test.logs]);
    expect(told).not.toContain(password);
    expect(told).not.toContain(row?.password_hash);
  });

  it('refuses a password of 73 bytes, and takes one of 72', async () => {
    const long = test.client.call('createCustomer', { email: 'p73@example.com', password: 'é'.repeat(36) + 'x' });
    expect(await test.client.refusal(long)).toMatchObject({ fields: ['password'] });
    await test.client.call('createCustomer', { email: 'p72@example.com', password: 'é'.repeat(36) });
  });
});

const nested = (depth: number): unknown => (depth === 0 ? 1 : { in: nested(depth - 1) });
