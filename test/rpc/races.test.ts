import { newId } from '../../src/models/ids';
import { anAddress } from '../support/address';
import type { Refusal, TestClient } from '../support/client';
import { eventsOf } from '../support/events';
import { startTestService, type TestService } from '../support/service';

let test: TestService;
let other: TestService;
beforeAll(async () => {
  test = await startTestService();
  other = await startTestService({ database: test.database });
});
afterAll(async () => {
  await other.stop();
  await test.stop();
});

/** Eight calls at once, every other one in another process; the answers of those that won, the refusals of the others. */
const race = async <Answer>(call: (client: TestClient, n: number) => Promise<Answer>) => {
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, (_, n) => call((n % 2 === 0 ? test : other).client, n)),
  );
  return {
    won: results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    refused: results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Refusal] : [])),
  };
};

/** How many events each has, fewest first. */
const eventCounts = async (ids: readonly string[]): Promise<number[]> => {
  const counts: number[] = [];
  for (const id of ids) counts.push((await eventsOf(test.database, id)).length);
  return counts.sort();
};

const create = async (request: object) => (await test.client.call('createCustomer', request)).customer!;

describe('of eight callers in two processes', () => {
  it.each([
    ['id', newId('cus'), 'CUSTOMER_ID_TAKEN'],
    ['external_id', 'wanted', 'EXTERNAL_ID_TAKEN'],
  ])('one creates the customer with an %s', async (field, value, reason) => {
    const { won, refused } = await race((client, n) =>
      client.call('createCustomer', { email: `${field}-${n}@example.com`, [field]: value }),
    );
    expect(won).toHaveLength(1);
    const id = won[0]!.customer!.id;
    for (const refusal of refused) {
      expect(refusal).toMatchObject({ code: 'ALREADY_EXISTS', reason, metadata: { existing_customer_id: id } });
    }
    expect(await test.database.query(`select id from customers where ${field} = $1`, [value])).toEqual([{ id }]);
    expect(await eventsOf(test.database, id)).toHaveLength(1);
    expect(await test.database.query(`select 1 from customers where email like '${field}-%'`)).toHaveLength(1);
  });

  it('one takes an external_id over, the others stay as they are', async () => {
    const customers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => create({ email: `over-${n}@example.com` })),
    );
    const { won, refused } = await race((client, n) =>
      client.call('updateCustomer', { id: customers[n]!.id, external_id: 'taken over' }),
    );
    expect(won).toHaveLength(1);
    for (const refusal of refused) {
      expect(refusal).toMatchObject({
        reason: 'EXTERNAL_ID_TAKEN',
        metadata: { existing_customer_id: won[0]!.customer!.id },
      });
    }
    expect(await eventCounts(customers.map(({ id }) => id))).toEqual([1, 1, 1, 1, 1, 1, 1, 2]);
  });

  it('one becomes the registered customer of an e-mail, created or made of its guest', async () => {
    for (let round = 0; round < 5; round += 1) {
      const email = `register-${round}@example.com`;
      const guest = await create({ email });
      const { won, refused } = await race((client, n) =>
        n < 4
          ? client.call('updateCustomer', { id: guest.id, password: 'long enough' })
          : client.call('createCustomer', { email, password: 'long enough' }),
      );
      const registered = new Set(won.map(({ customer }) => customer!.id));
      expect(registered.size).toBe(1);
      for (const refusal of refused) {
        expect(refusal).toMatchObject({
          code: 'ALREADY_EXISTS',
          reason: 'CUSTOMER_ALREADY_REGISTERED',
          metadata: { existing_customer_id: [...registered][0] },
        });
      }
      const rows = await test.database.query('select id from customers where email = $1 and has_account', [email]);
      expect(rows).toEqual([{ id: [...registered][0] }]);
    }
  });

  it('one adds the hundredth address', async () => {
    const addresses = Array.from({ length: 99 }, (_, n) => anAddress({ address_2: `${n}` }));
    const { id } = await create({ email: 'hundred@example.com', addresses });
    const { won, refused } = await race((client, n) =>
      client.call('addAddress', { customer_id: id, address: anAddress({ address_2: `new ${n}` }) }),
    );
    expect(won).toHaveLength(1);
    for (const refusal of refused) expect(refusal).toMatchObject({ reason: 'TOO_MANY_ADDRESSES' });
    expect(await test.database.query('select 1 from addresses where customer_id = $1', [id])).toHaveLength(100);
    expect(await eventsOf(test.database, id)).toHaveLength(2);
  });

  it('one gives its group a name', async () => {
    const groups = await Promise.all(
      Array.from({ length: 8 }, (_, n) => test.client.call('createCustomerGroup', { name: `Before ${n}` })),
    );
    const ids = groups.map(({ customer_group: group }) => group!.id);
    const { won, refused } = await race((client, n) =>
      client.call('updateCustomerGroup', { id: ids[n]!, name: 'Wanted' }),
    );
    expect(won).toHaveLength(1);
    for (const refusal of refused)
      expect(refusal).toMatchObject({ code: 'ALREADY_EXISTS', reason: 'GROUP_NAME_TAKEN' });
    expect(await test.database.query(`select id from customer_groups where name = 'Wanted'`)).toEqual([
      { id: won[0]!.customer_group!.id },
    ]);
    expect(await eventCounts(ids)).toEqual([1, 1, 1, 1, 1, 1, 1, 2]);
  });

  it('one is expected with the revision that all have seen', async () => {
    const { id } = await create({ email: 'expected@example.com' });
    const { won, refused } = await race((client, n) =>
      client.call('updateCustomer', { id, first_name: `Name ${n}`, expected_revision: 1 }),
    );
    expect(won).toMatchObject([{ customer: { revision: 2 } }]);
    for (const refusal of refused) {
      expect(refusal).toMatchObject({
        code: 'ABORTED',
        reason: 'REVISION_MISMATCH',
        metadata: { current_revision: '2' },
      });
    }
    expect(await eventsOf(test.database, id)).toHaveLength(2);
  });

  it('all get one answer under one request_id', async () => {
    const request = { email: 'one-answer@example.com', request_id: 'one-answer' };
    const { won, refused } = await race((client) => client.call('createCustomer', request));
    expect(refused).toEqual([]);
    for (const answer of won) expect(answer).toEqual(won[0]);
    expect(await eventsOf(test.database, won[0]!.customer!.id)).toHaveLength(1);
  });

  it('each makes another kind of change of one customer: each one event, and together they tell what is stored', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { customer_group: group } = await test.client.call('createCustomerGroup', { name: `Round ${round}` });
      const password = 'the first one';
      const { id } = await create({ email: `kinds-${round}@example.com`, password, addresses: [anAddress()] });
      const { addresses } = await test.client.call('listAddresses', { customer_id: id });
      const address = addresses[0]!.id;
      const kinds: readonly ((client: TestClient) => Promise<unknown>)[] = [
        (client) => client.call('updateCustomer', { id, first_name: 'Anna' }),
        (client) => client.call('addAddress', { customer_id: id, address: anAddress({ city: 'Aarhus' }) }),
        (client) => client.call('updateAddress', { customer_id: id, id: address, city: 'Odense' }),
        (client) => client.call('removeAddress', { customer_id: id, id: address }),
        (client) =>
          client.call('updateBillingAddress', {
            customer_id: id,
            target: { target: { $case: 'address_id', value: address } },
          }),
        (client) => client.call('addCustomersToGroup', { id: group!.id, customer_ids: [id] }),
        (client) =>
          client.call('changePassword', { customer_id: id, current_password: password, new_password: 'another one' }),
        (client) => client.call('deleteCustomer', { id }),
      ];
      const { won, refused } = await race((client, n) => kinds[n]!(client));
      for (const { reason } of refused) expect(['CUSTOMER_NOT_FOUND', 'ADDRESS_NOT_FOUND']).toContain(reason);

      const events = await eventsOf(test.database, id);
      expect(events.map(({ revision }) => revision)).toEqual(Array.from({ length: won.length + 1 }, (_, n) => n + 1));
      const kept = new Map<unknown, unknown>();
      for (const { data } of events) {
        for (const one of data.removed_address_ids ?? []) kept.delete(one);
        for (const one of data.addresses ?? []) kept.set(one['id'], one['city']);
      }
      const stored = await test.database.query('select id, city from addresses where customer_id = $1', [id]);
      expect(stored).toHaveLength(kept.size);
      for (const one of stored) expect(one['city']).toBe(kept.get(one['id']));
      const joined = events.flatMap(({ data }) => data.added_group_ids ?? []);
      const members = 'select group_id from customer_group_members where customer_id = $1';
      expect(await test.database.query(members, [id])).toEqual(joined.map((group_id) => ({ group_id })));
      const { first_name = null, billing_address_id = null, revision } = events.at(-1)!.data.customer;
      const row = 'select first_name, billing_address_id, revision from customers where id = $1';
      expect(await test.database.query(row, [id])).toEqual([{ first_name, billing_address_id, revision }]);
    }
  });
});
