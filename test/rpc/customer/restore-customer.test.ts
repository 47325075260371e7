import { Customer_Relation } from '../../../src/gen/customer/v1/customer';
import { anAddress } from '../../support/address';
import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

let number = 0;
const newCustomer = async (request: object = {}) => {
  number += 1;
  const { customer } = await test.client.call('createCustomer', { email: `restore-${number}@example.com`, ...request });
  return customer!;
};
const newDeleted = async (request: object = {}) => {
  const customer = await newCustomer(request);
  await test.client.call('deleteCustomer', { id: customer.id });
  return customer;
};
const whole = async (id: string) =>
  (
    await test.client.call('getCustomer', {
      id,
      expand: [
        Customer_Relation.RELATION_ADDRESSES,
        Customer_Relation.RELATION_BILLING_ADDRESS,
        Customer_Relation.RELATION_GROUPS,
      ],
    })
  ).customer!;

describe('RestoreCustomer', () => {
  it('brings the customer back with its addresses, pointers and groups, but for those deleted meanwhile', async () => {
    const groups = await Promise.all(
      ['stays', 'goes'].map((name) => test.client.call('createCustomerGroup', { name: `restore ${name}` })),
    );
    const [stays, goes] = groups.map(({ customer_group }) => customer_group!.id);
    const { id } = await newCustomer({ addresses: [anAddress(), anAddress({ city: 'Aarhus' })], external_id: 'back' });
    const target = { $case: 'address' as const, value: anAddress({ city: 'Odense' }) };
    await test.client.call('updateCustomer', {
      id,
      billing_address: { target },
      groups: { ids: [stays!, goes!] },
    });
    const before = await whole(id);
    expect([before.addresses.length, before.groups.length]).toEqual([3, 2]);
    await test.client.call('deleteCustomer', { id });
    expect(await test.client.refusal(test.client.call('getCustomer', { id }))).toMatchObject({
      reason: 'CUSTOMER_NOT_FOUND',
    });
    await test.client.call('deleteCustomerGroup', { id: goes! });
    const { customer } = await test.client.call('restoreCustomer', { id, expected_revision: 3 });
    expect(customer).toMatchObject({ id, revision: 4, email: before.email, deleted_at: undefined });
    const after = await whole(id);
    expect(after).toEqual({
      ...before,
      revision: 4,
      updated_at: after.updated_at,
      groups: before.groups.filter((group) => group.id === stays),
    });
    const last = (await eventsOf(test.database, id)).at(-1);
    expect(last).toMatchObject({ type: 'customer.restored', revision: 4, data: { changed_fields: [] } });
    expect(last?.data.customer).toMatchObject({ email: before.email, external_id: 'back' });
    expect(last?.data.previous).toBeUndefined();
  });

  it('refuses when e-mail or external_id were taken meanwhile, and records nothing', async () => {
    const guest = await newDeleted();
    const registered = await newDeleted({ password: 'long enough', external_id: 'taken-meanwhile' });
    const restore = (id: string) => test.client.refusal(test.client.call('restoreCustomer', { id }));
    const newGuest = await newCustomer({ email: guest.email });
    expect(await restore(guest.id)).toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'GUEST_ALREADY_EXISTS',
      metadata: { existing_customer_id: newGuest.id },
    });
    const sameKey = await newCustomer({ external_id: 'taken-meanwhile' });
    expect(await restore(registered.id)).toMatchObject({
      reason: 'EXTERNAL_ID_TAKEN',
      metadata: { existing_customer_id: sameKey.id },
    });
    const newRegistered = await newCustomer({ email: registered.email, password: 'long enough' });
    expect(await restore(registered.id)).toMatchObject({
      reason: 'CUSTOMER_ALREADY_REGISTERED',
      metadata: { existing_customer_id: newRegistered.id },
    });
    expect(await eventsOf(test.database, guest.id)).toHaveLength(2);
    expect(await eventsOf(test.database, registered.id)).toHaveLength(2);
    // The other kind may share an e-mail.
    await test.client.call('deleteCustomer', { id: newGuest.id });
    await newCustomer({ email: guest.email, password: 'long enough' });
    await test.client.call('restoreCustomer', { id: guest.id });
  });

  it('is OK for one that is alive, unchanged, but checks the revision; refuses an unknown one', async () => {
    const alive = await newCustomer();
    expect((await test.client.call('restoreCustomer', { id: alive.id })).customer).toEqual(alive);
    expect(await eventsOf(test.database, alive.id)).toHaveLength(1);
    const restore = (request: object) => test.client.refusal(test.client.call('restoreCustomer', request));
    expect(await restore({ id: alive.id, expected_revision: 2 })).toMatchObject({ reason: 'REVISION_MISMATCH' });
    expect(await restore({ id: 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ' })).toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' });
    expect((await restore({ id: '' })).fields).toEqual(['id']);
  });

  it('restores once when eight ask at once, and one of eight that want one e-mail back', async () => {
    const { id } = await newDeleted();
    const calls = Array.from({ length: 8 }, () => test.client.call('restoreCustomer', { id }));
    for (const { customer } of await Promise.all(calls)) expect(customer?.revision).toBe(3);
    expect(await eventsOf(test.database, id)).toHaveLength(3);
    const rivals: string[] = [];
    for (let n = 0; n < 8; n += 1) rivals.push((await newDeleted({ email: 'rivals@example.com' })).id);
    const results = await Promise.allSettled(rivals.map((one) => test.client.call('restoreCustomer', { id: one })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ reason: 'GUEST_ALREADY_EXISTS' });
    }
  });
});
