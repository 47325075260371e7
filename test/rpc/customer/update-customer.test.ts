import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

let number = 0;
const newCustomer = async (request: object = {}) => {
  number += 1;
  const { customer } = await test.client.call('createCustomer', { email: `update-${number}@example.com`, ...request });
  return customer!;
};

describe('UpdateCustomer', () => {
  it('changes what is given, clears what is empty, leaves the rest alone, and tells what changed', async () => {
    const before = await newCustomer({ first_name: 'Anna', last_name: 'Jensen', phone: '1', metadata: { a: 1, b: 2 } });
    const { customer } = await test.client.call('updateCustomer', {
      id: before.id,
      first_name: 'Hanna',
      phone: '',
      metadata: { b: '', c: null },
    });
    expect(customer).toMatchObject({
      first_name: 'Hanna',
      last_name: 'Jensen',
      phone: undefined,
      metadata: { a: 1, c: null },
      revision: 2,
      created_at: before.created_at,
    });
    expect((await test.client.call('getCustomer', { id: before.id })).customer).toEqual(customer);
    const [, event, ...others] = await eventsOf(test.database, before.id);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ type: 'customer.updated', revision: 2 });
    expect(event?.data.changed_fields).toEqual(['first_name', 'phone', 'metadata']);
    expect(event?.data.previous).toEqual({ first_name: 'Anna', phone: '1', metadata: { a: 1, b: 2 } });
  });

  it('makes no event and keeps the revision when nothing differs', async () => {
    const before = await newCustomer({ first_name: 'Anna', metadata: { a: { b: 1, c: 2 } } });
    const { customer } = await test.client.call('updateCustomer', {
      id: before.id,
      first_name: ' Anna ',
      metadata: { a: { c: 2, b: 1 } },
    });
    expect(customer).toEqual(before);
    expect(await eventsOf(test.database, before.id)).toHaveLength(1);
  });

  it('keeps all of eight metadata merges at once', async () => {
    const { id } = await newCustomer();
    const keys = Array.from({ length: 8 }, (_, index) => `key${index}`);
    await Promise.all(keys.map((key) => test.client.call('updateCustomer', { id, metadata: { [key]: true } })));
    const { customer } = await test.client.call('getCustomer', { id });
    expect(Object.keys(customer!.metadata!).sort()).toEqual(keys);
    expect(customer?.revision).toBe(9);
    expect((await eventsOf(test.database, id)).map((event) => event.revision)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('replaces metadata as a whole, where "" is a value', async () => {
    const { id } = await newCustomer({ metadata: { a: 1 } });
    const { customer } = await test.client.call('updateCustomer', { id, replace_metadata: { b: '' } });
    expect(customer?.metadata).toEqual({ b: '' });
  });

  it('registers a guest that gets a password, unless a registered one holds the e-mail', async () => {
    const guest = await newCustomer();
    const { customer } = await test.client.call('updateCustomer', { id: guest.id, password: 'long enough' });
    expect(customer).toMatchObject({ has_account: true, revision: 2 });
    const events = await eventsOf(test.database, guest.id);
    expect(events[1]).toMatchObject({ type: 'customer.registered', data: { changed_fields: ['has_account'] } });
    expect(events[1]?.data.previous).toEqual({ has_account: false });
    const second = await newCustomer({ email: guest.email });
    const refused = test.client.call('updateCustomer', { id: second.id, password: 'long enough' });
    expect(await test.client.refusal(refused)).toMatchObject({
      reason: 'CUSTOMER_ALREADY_REGISTERED',
      metadata: { existing_customer_id: guest.id },
    });
    await test.client.call('updateCustomer', { id: guest.id, password: 'another one' });
    const types = (await eventsOf(test.database, guest.id)).map((event) => event.type);
    expect(types).toEqual(['customer.created', 'customer.registered', 'customer.password_changed']);
  });

  it('tells a new password and what else changed in one event; the old one lets nobody in any more', async () => {
    const { id, email } = await newCustomer({ password: 'the first one', first_name: 'Anna' });
    const isLetIn = async (password: string) =>
      (await test.client.call('authenticateCustomer', { email, password })).authenticated;
    await test.client.call('updateCustomer', { id, password: 'the second one', first_name: 'Hanna' });
    expect([await isLetIn('the first one'), await isLetIn('the second one')]).toEqual([false, true]);
    const [, event, ...others] = await eventsOf(test.database, id);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      type: 'customer.password_changed',
      revision: 2,
      data: { changed_fields: ['first_name'], customer: { first_name: 'Hanna' } },
    });
    expect(event?.data.previous).toEqual({ first_name: 'Anna' });
  });

  it('tells which e-mail it was, which is free from then on', async () => {
    const { id, email } = await newCustomer();
    await test.client.call('updateCustomer', { id, email: 'Renamed@example.com' });
    const [, event, ...others] = await eventsOf(test.database, id);
    expect(others).toEqual([]);
    expect(event?.data).toMatchObject({ changed_fields: ['email'], customer: { email: 'renamed@example.com' } });
    expect(event?.data.previous).toEqual({ email });
    await newCustomer({ email });
  });

  it('refuses an e-mail or external_id that another one alive holds, and records nothing', async () => {
    const holder = await newCustomer({ external_id: 'held' });
    const other = await newCustomer();
    const refusalOf = (request: object) =>
      test.client.refusal(test.client.call('updateCustomer', { id: other.id, ...request }));
    expect(await refusalOf({ email: holder.email.toUpperCase() })).toMatchObject({ reason: 'GUEST_ALREADY_EXISTS' });
    expect(await refusalOf({ external_id: 'held' })).toMatchObject({
      reason: 'EXTERNAL_ID_TAKEN',
      metadata: { existing_customer_id: holder.id },
    });
    expect(await eventsOf(test.database, other.id)).toHaveLength(1);
    await test.client.call('deleteCustomer', { id: holder.id });
    await test.client.call('updateCustomer', { id: other.id, email: holder.email, external_id: 'held' });
  });

  it('gives an e-mail to one of eight that want it at once', async () => {
    const customers = await Promise.all(Array.from({ length: 8 }, () => newCustomer()));
    const results = await Promise.allSettled(
      customers.map(({ id }) => test.client.call('updateCustomer', { id, email: 'wanted@example.com' })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('compares the expected revision even where nothing would change', async () => {
    const { id } = await newCustomer();
    expect(await test.client.refusal(test.client.call('updateCustomer', { id, expected_revision: 7 }))).toMatchObject({
      code: 'ABORTED',
      reason: 'REVISION_MISMATCH',
      metadata: { current_revision: '1' },
    });
    await test.client.call('updateCustomer', { id, expected_revision: 1, first_name: 'A' });
  });

  it('checks in the order validation, replay, existence, revision', async () => {
    const { id } = await newCustomer();
    const request = { id, first_name: 'A', request_id: 'order-of-checks', expected_revision: 1 };
    const first = await test.client.call('updateCustomer', request);
    expect(await test.client.call('updateCustomer', request)).toEqual(first);
    await test.client.call('deleteCustomer', { id });
    expect(await test.client.call('updateCustomer', request)).toEqual(first);
    const gone = test.client.call('updateCustomer', { ...request, request_id: 'another' });
    expect(await test.client.refusal(gone)).toMatchObject({ code: 'NOT_FOUND', reason: 'CUSTOMER_NOT_FOUND' });
    const unsound = test.client.call('updateCustomer', { ...request, email: '' });
    expect(await test.client.refusal(unsound)).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['email'] });
  });

  it('refuses metadata that is over the limit only after the merge', async () => {
    const { id } = await newCustomer({ metadata: { a: 'x'.repeat(9_000) } });
    const merge = test.client.call('updateCustomer', { id, metadata: { b: 'y'.repeat(9_000) } });
    expect(await test.client.refusal(merge)).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['metadata'] });
    const both = test.client.call('updateCustomer', { id, metadata: {}, replace_metadata: {} });
    expect(await test.client.refusal(both)).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['replace_metadata'] });
  });

  it('merges beside keys that every object of JavaScript has', async () => {
    const { id } = await newCustomer({ metadata: { constructor: '', toString: 'kept' } });
    const { customer } = await test.client.call('updateCustomer', { id, metadata: { a: 1 } });
    expect(Object.entries(customer!.metadata!).sort()).toEqual([
      ['a', 1],
      ['constructor', ''],
      ['toString', 'kept'],
    ]);
  });
});
