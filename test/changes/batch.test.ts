import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { changeMembership } from '../../src/changes/membership';
import type { Work } from '../../src/changes/work';
import { UpdateCustomerResponse } from '../../src/gen/customer/v1/customer';
import { toCustomer, type CustomerRow } from '../../src/models/customer';
import { anAddress } from '../support/address';
import { eventsOf } from '../support/events';
import { startTestService, type TestService } from '../support/service';
import { until } from '../support/until';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

let number = 0;
const email = () => `batch-${(number += 1)}@example.com`;
const newCustomer = async (request: object = {}) =>
  (await test.client.call('createCustomer', { email: email(), ...request })).customer!;

type Change = Pick<Work<UpdateCustomerResponse>, 'customers' | 'claims' | 'creates' | 'needs' | 'groups' | 'decide'>;

/** A change of fields of one customer, as the engine takes it. */
const set = (id: string, fields: Partial<CustomerRow>, claims: Work<unknown>['claims'] = {}): Change => ({
  customers: [id],
  claims,
  decide: (draft) => {
    const state = draft.find(id)!;
    return { customer: toCustomer(draft.save({ ...state, customer: { ...state.customer, ...fields } })) };
  },
});
const rename = (id: string, to: string): Change => set(id, { email: to }, { emails: [to] });

/** Runs changes as one batch, in this order; answers what became of each. */
const runTogether = async (...changes: readonly Change[]) => {
  const { context } = test.service;
  const call = {
    id: '',
    method: '',
    caller: '',
    traceparent: undefined,
    deadline: Date.now() + 10_000,
    signal: new AbortController().signal,
    refusal: () => ({ code: 2, message: '', details: [] }),
  };
  const identity = { rpc: 'Test', request: { request_id: '' } };
  const before = context.changes.stats().batches;
  const results = await Promise.allSettled(
    changes.map((change) => context.changes.run({ call, identity, reply: UpdateCustomerResponse, ...change })),
  );
  expect(context.changes.stats().batches).toBe(before + 1);
  return results.map((result) =>
    result.status === 'fulfilled' ? 'done' : (result.reason as { readonly reason?: string }).reason,
  );
};

const emailsOf = async (...ids: readonly string[]) => {
  const answers = await Promise.all(ids.map((id) => test.client.call('getCustomer', { id })));
  return answers.map(({ customer }) => customer?.email);
};
const revisionsOf = async (id: string) => (await eventsOf(test.database, id)).map(({ revision }) => revision);

describe('a batch of changes', () => {
  it('lets two e-mails trade places through a third, which no single statement can write', async () => {
    const [a, b] = [await newCustomer(), await newCustomer()];
    const steps = [rename(a.id, email()), rename(b.id, a.email), rename(a.id, b.email)];
    expect(await runTogether(...steps)).toEqual(['done', 'done', 'done']);
    expect(await emailsOf(a.id, b.id)).toEqual([b.email, a.email]);
    expect(await revisionsOf(a.id)).toEqual([1, 2, 3]);
    expect(await revisionsOf(b.id)).toEqual([1, 2]);
  });

  it('passes e-mails on along a chain, in the order that frees them only', async () => {
    const [a, b] = [await newCustomer(), await newCustomer()];
    const free = email();
    expect(await runTogether(rename(a.id, b.email), rename(b.id, free))).toEqual(['GUEST_ALREADY_EXISTS', 'done']);
    const [c, d] = [await newCustomer(), await newCustomer()];
    expect(await runTogether(rename(d.id, email()), rename(c.id, d.email))).toEqual(['done', 'done']);
    expect((await emailsOf(a.id, b.id, c.id)).slice(0)).toEqual([a.email, free, d.email]);
    // Whichever of the two ids is lower.
    const [e, f] = [await newCustomer(), await newCustomer()];
    expect(await runTogether(rename(e.id, email()), rename(f.id, e.email))).toEqual(['done', 'done']);
    expect(await emailsOf(f.id)).toEqual([e.email]);
  });

  it('gives an e-mail back and forth between deleted, created and restored ones', async () => {
    const { id, email: held } = await newCustomer();
    const create = (chosen: string): Change => ({
      customers: [],
      creates: [chosen],
      claims: { ids: [chosen], emails: [held] },
      decide: (draft) => {
        const now = draft.now;
        const customer = { ...blank(chosen, held), created_at: now, updated_at: now, occurred_at: now };
        return { customer: toCustomer(draft.create({ customer, addresses: [], group_ids: [] })) };
      },
    });
    const gone = set(id, { deleted_at: new Date() });
    const back = set(id, { deleted_at: null }, { own: true });
    const [one, two] = ['cus_01HZZZZZZZZZZZZZZZZZZZBATC', 'cus_01HZZZZZZZZZZZZZZZZZZZBATD'];
    const taken = 'GUEST_ALREADY_EXISTS';
    expect(await runTogether(create(one), gone, create(one), create(two), create(one), back)).toEqual([
      taken,
      'done',
      'done',
      taken,
      'CUSTOMER_ID_TAKEN',
      taken,
    ]);
    expect(await runTogether(set(one, { deleted_at: new Date() }), back)).toEqual(['done', 'done']);
    expect(await runTogether(set(id, { deleted_at: new Date() }), back)).toEqual(['done', 'done']);
    expect(await revisionsOf(id)).toEqual([1, 2, 3, 4, 5]);
    expect(await revisionsOf(one)).toEqual([1, 2]);
    expect(await revisionsOf(two)).toEqual([]);
  });

  it('leaves relations alone that a change did not ask for', async () => {
    const { customer_group: group } = await test.client.call('createCustomerGroup', { name: 'left alone' });
    const { id } = await newCustomer({ addresses: [anAddress()] });
    await test.client.call('addCustomersToGroup', { id: group!.id, customer_ids: [id] });
    const other = await newCustomer();
    expect(
      await runTogether(
        set(id, { first_name: 'Anna' }),
        { ...set(id, { last_name: 'Jensen' }), needs: { addresses: true } },
        { ...set(other.id, {}), needs: { addresses: true, groups: true } },
      ),
    ).toEqual(['done', 'done', 'done']);
    expect((await test.client.call('listAddresses', { customer_id: id })).addresses).toHaveLength(1);
    const members = await test.database.query('select 1 from customer_group_members where customer_id = $1', [id]);
    expect(members).toHaveLength(1);
    expect(await revisionsOf(id)).toEqual([1, 2, 3, 4]);
  });

  it('never moves updated_at back, whatever the clocks say', async () => {
    const { id } = await newCustomer();
    const future = new Date('2999-01-01T00:00:00.123Z');
    await test.database.query('update customers set updated_at = $2, occurred_at = $2 where id = $1', [id, future]);
    const { customer } = await test.client.call('updateCustomer', { id, first_name: 'Late' });
    expect(customer?.updated_at).toEqual({ seconds: future.getTime() / 1_000 - 0.123, nanos: 123_000_000 });
    expect((await eventsOf(test.database, id)).at(-1)?.data).toMatchObject({ occurred_at: future.toISOString() });
  });

  it('leaves no member behind in a group that is joined and deleted in one batch', async () => {
    const { customer_group: group } = await test.client.call('createCustomerGroup', { name: 'short-lived' });
    const { id } = await newCustomer();
    const nothing = { customer: undefined };
    const join: Change = {
      customers: [id],
      needs: { groups: true },
      groups: { ids: [group!.id], mode: 'share' },
      decide: (draft) => {
        changeMembership(draft, [id], draft.group(group!.id).id, 'join');
        return nothing;
      },
    };
    const remove: Change = {
      customers: [],
      groups: { ids: [group!.id], mode: 'update' },
      decide: (draft) => {
        draft.saveGroup(group!.id, undefined);
        return nothing;
      },
    };
    expect(await runTogether(join, remove, join)).toEqual(['done', 'done', 'GROUP_NOT_FOUND']);
    expect(await revisionsOf(id)).toEqual([1, 2]);
    await until(async () => (await test.database.query('select 1 from customer_group_members')).length === 1);
  });

  it('lets all who wait for one held row go together, but those who are too late by then', async () => {
    const { id } = await newCustomer();
    const psql = new Client({ connectionString: test.database.url });
    await psql.connect();
    await psql.query('begin');
    await psql.query('select 1 from customers where id = $1 for update', [id]);
    const before = test.service.context.changes.stats().batches;
    const update = (n: number, deadlineMs: number) =>
      test.client.call('updateCustomer', { id, metadata: { [`k${n}`]: n } }, { deadlineMs });
    const patient = Array.from({ length: 40 }, (_, n) => update(n, 25_000));
    const late = test.client.refusal(update(99, 300));
    await delay(500);
    await psql.query('rollback');
    await psql.end();
    await Promise.all(patient);
    expect((await late).code).toBe('DEADLINE_EXCEEDED');
    expect(test.service.context.changes.stats().batches - before).toBeLessThan(20);
    expect(await revisionsOf(id)).toEqual(Array.from({ length: 41 }, (_, index) => index + 1));
  });

  it('makes a change of several wait for a row that is held elsewhere, whole', async () => {
    const [held, free] = [await newCustomer(), await newCustomer()];
    const psql = new Client({ connectionString: test.database.url });
    await psql.connect();
    await psql.query('begin');
    await psql.query('select 1 from customers where id = $1 for update', [held.id]);
    const operations = [free.id, held.id].map((id) => ({
      operation: { $case: 'update_customer' as const, value: { id, first_name: 'Both' } },
    }));
    const waiting = test.client.call('mutateCustomers', { operations }, { deadlineMs: 10_000 });
    const hurried = test.client.refusal(test.client.call('mutateCustomers', { operations }, { deadlineMs: 300 }));
    await delay(400);
    expect((await hurried).code).toBe('DEADLINE_EXCEEDED');
    expect((await test.client.call('getCustomer', { id: free.id })).customer?.revision).toBe(1);
    await psql.query('rollback');
    await psql.end();
    expect((await waiting).results).toHaveLength(2);
    expect(await revisionsOf(free.id)).toEqual([1, 2]);
  });
});

const blank = (id: string, held: string): Omit<CustomerRow, 'created_at' | 'updated_at' | 'occurred_at'> => ({
  id,
  email: held,
  first_name: null,
  last_name: null,
  phone: null,
  has_account: false,
  password_hash: null,
  password_revision: null,
  external_id: null,
  billing_address_id: null,
  shipping_address_id: null,
  metadata: {},
  revision: 0,
  deleted_at: null,
  erased_at: null,
});
