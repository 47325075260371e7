import type { Operation } from '../../../src/gen/customer/v1/customer';
import { anAddress } from '../../support/address';
import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';
import { until } from '../../support/until';

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

let number = 0;
const email = () => `mutate-${(number += 1)}@example.com`;
const chosenId = () => `cus_01HZZZZZZZZZZZZZZZZZZ${String((number += 1)).padStart(5, '0')}`;
const newCustomer = async (request: object = {}) =>
  (await test.client.call('createCustomer', { email: email(), ...request })).customer!;

type Name = NonNullable<Operation['operation']>['$case'];
const op = (name: Name, value: object) => ({ operation: { $case: name, value } }) as never;
const mutate = async (operations: readonly never[], request: object = {}, service = test) =>
  (await service.client.call('mutateCustomers', { operations, ...request })).results.map(
    ({ result }) => result as unknown as { readonly $case: Name; readonly value: Record<string, never> },
  );
const refusal = (operations: readonly never[], request: object = {}) =>
  test.client.refusal(test.client.call('mutateCustomers', { operations, ...request }));
const count = async () => (await eventsOf(test.database)).length;

describe('MutateCustomers', () => {
  it('makes every kind of change in order, each seeing the one before, and answers each as its own rpc does', async () => {
    const id = chosenId();
    const gone = await newCustomer();
    const back = await newCustomer({ addresses: [anAddress()] });
    const {
      addresses: [kept],
    } = await test.client.call('listAddresses', { customer_id: back.id });
    await test.client.call('deleteCustomer', { id: back.id });
    const { customer_group } = await test.client.call('createCustomerGroup', { name: 'mutated' });
    const results = await mutate(
      [
        op('create_customer', { id, email: email(), addresses: [anAddress()] }),
        op('add_address', { customer_id: id, address: anAddress({ city: 'Aarhus' }), expected_revision: 1 }),
        op('update_billing_address', {
          customer_id: id,
          target: { target: { $case: 'address', value: anAddress({ city: 'Odense' }) } },
        }),
        op('update_shipping_address', {
          customer_id: id,
          target: { target: { $case: 'address', value: anAddress() } },
        }),
        op('update_customer', {
          id,
          first_name: 'Anna',
          groups: { ids: [customer_group!.id] },
          expected_revision: 4,
        }),
        op('update_customer', { id, first_name: 'Anna' }),
        op('delete_customer', { id: gone.id }),
        op('restore_customer', { id: back.id, expected_revision: 2 }),
        op('add_address', { customer_id: back.id, address: anAddress() }),
        op('update_address', { customer_id: back.id, id: kept!.id, city: 'Ribe' }),
        op('remove_address', { customer_id: back.id, id: kept!.id, expected_revision: 4 }),
      ],
      { request_id: 'every-kind' },
    );
    expect(results.map(({ $case }) => $case)).toEqual([
      'create_customer',
      'add_address',
      'update_billing_address',
      'update_shipping_address',
      'update_customer',
      'update_customer',
      'delete_customer',
      'restore_customer',
      'add_address',
      'update_address',
      'remove_address',
    ]);
    const values = results.map(({ value }) => value);
    expect(values[1]).toMatchObject({ created: true, revision: 2 });
    expect(values[2]).toMatchObject({ customer: { revision: 3, billing_address: { city: 'Odense' } } });
    expect(values[3]).toMatchObject({ customer: { revision: 4, shipping_address: { city: 'København' } } });
    expect(values[4]).toMatchObject({ customer: { revision: 5, first_name: 'Anna' } });
    expect(values[5]).toEqual(values[4]);
    expect(values[6]).toMatchObject({ customer: { id: gone.id, revision: 2 } });
    expect(values[7]).toMatchObject({ customer: { id: back.id, revision: 3 } });
    expect(values[8]).toMatchObject({ created: false, revision: 3 });
    expect(values[9]).toMatchObject({ address: { id: kept!.id, city: 'Ribe' }, revision: 4 });
    expect(values[10]).toEqual({ removed: true, revision: 5 });
    expect((await test.client.call('getCustomer', { id })).customer).toEqual(values[5]!['customer']);
    const { addresses } = await test.client.call('listAddresses', { customer_id: id });
    expect(addresses.map(({ city }) => city)).toEqual(['København', 'Aarhus', 'Odense']);
    const events = (await eventsOf(test.database)).filter(({ request_id }) => request_id === 'every-kind');
    expect(events.map(({ aggregate_id, revision, type }) => [aggregate_id, revision, type])).toEqual([
      [id, 1, 'customer.created'],
      [id, 2, 'customer.address_added'],
      [id, 3, 'customer.updated'],
      [id, 4, 'customer.updated'],
      [id, 5, 'customer.updated'],
      [gone.id, 2, 'customer.deleted'],
      [back.id, 3, 'customer.restored'],
      [back.id, 4, 'customer.address_updated'],
      [back.id, 5, 'customer.address_removed'],
    ]);
    expect(events[4]?.data).toMatchObject({
      changed_fields: ['first_name', 'groups'],
      added_group_ids: [customer_group!.id],
    });
  });

  it('undoes everything when one is refused, and says which', async () => {
    const holder = await newCustomer();
    const { id } = await newCustomer();
    const before = await count();
    const taken = await refusal([
      op('create_customer', { email: email() }),
      op('update_customer', { id, first_name: 'Never' }),
      op('update_customer', { id, email: holder.email }),
      op('create_customer', { email: email() }),
    ]);
    expect(taken).toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'GUEST_ALREADY_EXISTS',
      metadata: { operation: '2', existing_customer_id: holder.id },
      resource: holder.id,
    });
    expect(
      await refusal([
        op('update_customer', { id, first_name: 'Never' }),
        op('update_customer', { id, first_name: 'Ever', expected_revision: 1 }),
      ]),
    ).toMatchObject({ reason: 'REVISION_MISMATCH', metadata: { operation: '1', current_revision: '2' } });
    const unknown = 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ';
    expect(await refusal([op('remove_address', { customer_id: unknown, id: unknown.replace('cus', 'addr') })])).toEqual(
      expect.objectContaining({ reason: 'CUSTOMER_NOT_FOUND', metadata: { operation: '0' } }),
    );
    expect(await count()).toBe(before);
    expect((await test.client.call('getCustomer', { id })).customer).toMatchObject({ revision: 1 });
  });

  it('applies none of 100 when the last is refused: no event, no gap in revisions or positions', async () => {
    const { id } = await newCustomer();
    const created = chosenId();
    const updates = Array.from({ length: 98 }, (_, n) => op('update_customer', { id, metadata: { n } }));
    const refused = await refusal([
      op('create_customer', { id: created, email: email(), addresses: [anAddress()] }),
      ...updates,
      op('delete_customer', { id, expected_revision: 1 }),
    ]);
    expect(refused).toMatchObject({
      code: 'ABORTED',
      reason: 'REVISION_MISMATCH',
      metadata: { operation: '99', current_revision: '99' },
    });
    expect(await test.database.query('select 1 from customers where id = $1', [created])).toEqual([]);
    expect(await test.database.query('select 1 from addresses where customer_id = $1', [created])).toEqual([]);
    expect(await eventsOf(test.database, created)).toEqual([]);
    const { customer } = await test.client.call('updateCustomer', { id, first_name: 'Anna' });
    expect(customer?.revision).toBe(2);
    expect(customer?.metadata).toEqual({});
    expect((await eventsOf(test.database, id)).map(({ revision }) => revision)).toEqual([1, 2]);
    await until(async () => (await test.database.query('select 1 from customer_outbox')).length === 0);
    const [log] = await test.database.query(
      'select max(position)::int as last, count(*)::int as events from customer_events',
    );
    expect(log).toEqual({ last: log!['events'], events: log!['events'] });
  });

  it('refuses an address of another customer, an unknown country and a 101st address like their own rpcs', async () => {
    const owner = await newCustomer({ addresses: [anAddress()] });
    const {
      addresses: [theirs],
    } = await test.client.call('listAddresses', { customer_id: owner.id });
    const { id } = await newCustomer({
      addresses: Array.from({ length: 100 }, (_, n) => anAddress({ address_2: `${n}` })),
    });
    const before = await count();
    const target = { target: { $case: 'address_id', value: theirs!.id } };
    for (const foreign of [
      op('update_address', { customer_id: id, id: theirs!.id, city: 'Ribe' }),
      op('update_billing_address', { customer_id: id, target }),
      op('update_shipping_address', { customer_id: id, target }),
      op('update_customer', { id, billing_address: target }),
    ]) {
      expect(await refusal([foreign])).toMatchObject({
        code: 'NOT_FOUND',
        reason: 'ADDRESS_NOT_FOUND',
        metadata: { operation: '0' },
        resource: theirs!.id,
      });
    }
    expect(await mutate([op('remove_address', { customer_id: id, id: theirs!.id })])).toEqual([
      { $case: 'remove_address', value: { removed: false, revision: 1 } },
    ]);
    const abroad = op('add_address', { customer_id: id, address: anAddress({ country_code: 'xx' }) });
    expect((await refusal([abroad])).fields).toEqual(['operations[0].add_address.address.country_code']);
    expect(await refusal([op('add_address', { customer_id: id, address: anAddress() })])).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'TOO_MANY_ADDRESSES',
      metadata: { operation: '0' },
    });
    expect(await count()).toBe(before);
    const { addresses } = await test.client.call('listAddresses', { customer_id: owner.id });
    expect(addresses).toEqual([theirs]);
  });

  it('refuses what only shows when it runs under the path of its operation', async () => {
    const { id } = await newCustomer({ metadata: { a: 'x'.repeat(9_000) } });
    const merge = await refusal([
      op('update_customer', { id, first_name: 'Never' }),
      op('update_customer', { id, metadata: { b: 'x'.repeat(9_000) } }),
    ]);
    expect(merge).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: ['operations[1].update_customer.metadata'],
      metadata: { operation: '1' },
    });
  });

  it('names the faults of all operations and of the call at once', async () => {
    const before = await count();
    const faults = await refusal(
      [
        op('create_customer', { email: 'fine@example.com' }),
        { operation: undefined } as never,
        op('update_customer', { id: 'cus_1', email: 'nobody', request_id: 'inner' }),
        op('add_address', { customer_id: chosenId(), address: { country_code: 'dk' } }),
      ],
      { request_id: 'with blank' },
    );
    expect(faults).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST', metadata: { operation: '1' } });
    expect(faults.fields).toEqual([
      'request_id',
      'operations[1]',
      'operations[2].update_customer.id',
      'operations[2].update_customer.email',
      'operations[2].update_customer.request_id',
      ...['first_name', 'last_name', 'address_1', 'city', 'postal_code'].map(
        (field) => `operations[3].add_address.address.${field}`,
      ),
    ]);
    const many = await refusal(Array.from({ length: 30 }, () => op('create_customer', { email: '' })));
    expect(many.fields!.length).toBeGreaterThan(10);
    expect(many.fields!.length).toBeLessThanOrEqual(20);
    expect(await count()).toBe(before);
  });

  it('takes 1 to 100 operations with at most 5 passwords; that fault is of the call', async () => {
    const creates = (length: number, request: object = {}) =>
      Array.from({ length }, () => op('create_customer', { email: email(), ...request }));
    for (const operations of [[], creates(101), creates(6, { password: 'long enough' })]) {
      const refused = await refusal(operations);
      expect(refused).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['operations'] });
      expect(refused.metadata).toEqual({});
    }
    const before = await count();
    expect(await mutate([...creates(5, { password: 'long enough' }), ...creates(95)])).toHaveLength(100);
    expect(await count()).toBe(before + 100);
  });

  it('swaps two e-mails through a third, and frees one for a create', async () => {
    const [a, b] = [await newCustomer(), await newCustomer()];
    await mutate([
      op('update_customer', { id: a.id, email: email() }),
      op('update_customer', { id: b.id, email: a.email }),
      op('update_customer', { id: a.id, email: b.email }),
    ]);
    expect((await test.client.call('getCustomer', { id: a.id })).customer?.email).toBe(b.email);
    expect((await test.client.call('getCustomer', { id: b.id })).customer?.email).toBe(a.email);
    const id = chosenId();
    await mutate([op('delete_customer', { id: a.id }), op('create_customer', { id, email: b.email })]);
    expect((await test.client.call('getCustomer', { id })).customer?.email).toBe(b.email);
    expect(
      await refusal([op('create_customer', { id: chosenId(), email: email() }), op('restore_customer', { id: a.id })]),
    ).toMatchObject({
      reason: 'GUEST_ALREADY_EXISTS',
      metadata: { operation: '1', existing_customer_id: id },
    });
  });

  it('answers a repeated request_id with the first answer, and refuses another request under it', async () => {
    const operations = [op('create_customer', { email: email() }), op('create_customer', { email: email() })];
    const request = { request_id: 'once' };
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => mutate(operations, request, n % 2 === 0 ? test : other)),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await eventsOf(test.database)).filter(({ request_id }) => request_id === 'once')).toHaveLength(2);
    expect(await refusal(operations.slice(1), request)).toMatchObject({ reason: 'REQUEST_ID_REUSED' });
  });

  it('gives every name to one of eight that race for it in two processes, and says where the others failed', async () => {
    const wanted = Array.from({ length: 4 }, email);
    const before = await count();
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => {
        const mine = op('create_customer', { email: email() });
        const theirs = wanted.map((one) => op('create_customer', { email: one }));
        // Half of them backwards, so that they cross.
        return mutate([mine, ...(n % 4 < 2 ? theirs : theirs.reverse())], {}, n % 2 === 0 ? test : other);
      }),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      expect(result.reason).toMatchObject({ reason: 'GUEST_ALREADY_EXISTS', metadata: { operation: '1' } });
    }
    expect(await count()).toBe(before + 5);
  });

  it('keeps the revisions of customers that it shares with other calls without gaps', async () => {
    const [a, b] = [await newCustomer(), await newCustomer()];
    const calls = Array.from({ length: 8 }, (_, n) => [
      mutate(
        [a, b, a].map(({ id }) => op('update_customer', { id, metadata: { [`m${n}-${id}`]: Math.random() } })),
        {},
        n % 2 === 0 ? test : other,
      ),
      test.client.call('updateCustomer', { id: b.id, metadata: { [`u${n}`]: n } }),
    ]);
    await Promise.all(calls.flat());
    for (const [{ id }, changes] of [
      [a, 16],
      [b, 16],
    ] as const) {
      const revisions = (await eventsOf(test.database, id)).map(({ revision }) => revision);
      expect(revisions).toEqual(Array.from({ length: changes + 1 }, (_, index) => index + 1));
    }
  });
});
