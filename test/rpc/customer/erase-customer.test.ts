import { Client, Pool } from 'pg';
import { stateMessage } from '../../../src/events/cloud-event';
import { readLog, type LoggedEvent } from '../../../src/events/logged-event';
import { createSequencer } from '../../../src/events/sequencer';
import { anAddress } from '../../support/address';
import { eventsOf } from '../../support/events';
import { needles, newPerson, PERSON, PERSON_CREATED } from '../../support/person';
import { startTestService, type TestService } from '../../support/service';
import { tracesOf } from '../../support/traces';
import { until } from '../../support/until';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

describe('EraseCustomer', () => {
  let id: string;
  let group_id: string;

  it('leaves nothing of the person anywhere in the database, nor in the log', async () => {
    ({ id, group_id } = await newPerson(test));
    for (const text of [PERSON.secondEmail, PERSON.first_name, PERSON.street, PERSON.note]) {
      expect((await tracesOf(test.database, text)).length).toBeGreaterThan(0);
    }
    const [row] = await test.database.query<{ hash: string }>(
      'select password_hash as hash from customers where id = $1',
      [id],
    );
    const before = await eventsOf(test.database, id);
    const last = before.at(-1)!.revision;
    expect(await test.client.call('eraseCustomer', { id, expected_revision: last, request_id: 'erase' })).toEqual({
      revision: last + 1,
    });
    for (const text of needles) expect({ text, at: await tracesOf(test.database, text) }).toEqual({ text, at: [] });
    expect(await tracesOf(test.database, row!.hash)).toEqual([]);
    for (const table of ['login_counters', 'customer_group_members', 'addresses']) {
      expect(await test.database.query(`select 1 from ${table}`)).toEqual([]);
    }
    const logs = test.logs.join('').toLowerCase();
    for (const text of needles) expect(logs).not.toContain(text.toLowerCase());
  });

  it('keeps ids, revisions, types and times of the events, and adds customer.erased', async () => {
    const events = await eventsOf(test.database, id);
    expect(events.map(({ type }) => type)).toEqual([
      'customer.created',
      'customer.address_added',
      'customer.updated',
      'customer.updated',
      'customer.address_removed',
      'customer.group_added',
      'customer.password_reset',
      'customer.erased',
    ]);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown;
    for (const [index, { revision, type, request_id, data }] of events.entries()) {
      const customer = {
        id,
        email: '',
        has_account: false,
        metadata: {},
        revision,
        created_at: time,
        updated_at: time,
      };
      const isLast = index === events.length - 1;
      expect({ revision, request_id }).toEqual({ revision: index + 1, request_id: isLast ? 'erase' : null });
      expect(data).toEqual({
        id: `${id}:${revision}`,
        type,
        customer_id: id,
        revision,
        occurred_at: time,
        changed_fields: [],
        customer: isLast ? { ...customer, deleted_at: time } : customer,
        ...(isLast ? { request_id: 'erase' } : {}),
        ...(type === 'customer.password_reset' ? { expires_at: time } : {}),
      });
    }
  });

  it('leaves a tombstone as the state after each of the events that were not published yet', async () => {
    const pool = new Pool({ connectionString: test.database.url, max: 1 });
    let logged: readonly LoggedEvent[] = [];
    await until(async () => {
      logged = (await readLog(pool, 0, { events: 100, bytes: 1_000_000 })).filter(
        ({ aggregate_id }) => aggregate_id === id,
      );
      return logged.length === 8;
    });
    await pool.end();
    expect(logged.map((event) => stateMessage(event).value)).toEqual(logged.map(() => null));
  });

  it('is OK a second time, whatever revision is expected, without an event', async () => {
    const { length } = await eventsOf(test.database, id);
    expect(await test.client.call('eraseCustomer', { id, expected_revision: 1 })).toEqual({ revision: length });
    expect(await test.client.call('eraseCustomer', { id, request_id: 'erase-again' })).toEqual({ revision: length });
    expect(await eventsOf(test.database, id)).toHaveLength(length);
  });

  it('makes every mutation that names the customer CUSTOMER_ERASED, but for delete, erase and groups', async () => {
    const address = 'addr_01HZZZZZZZZZZZZZZZZZZZZZZZ';
    const target = { target: { $case: 'clear' as const, value: true } };
    const calls = [
      test.client.call('updateCustomer', { id, first_name: 'x' }),
      test.client.call('restoreCustomer', { id }),
      test.client.call('addAddress', { customer_id: id, address: anAddress() }),
      test.client.call('updateAddress', { customer_id: id, id: address, city: 'x' }),
      test.client.call('removeAddress', { customer_id: id, id: address }),
      test.client.call('updateBillingAddress', { customer_id: id, target }),
      test.client.call('updateShippingAddress', { customer_id: id, target }),
      test.client.call('generateResetPasswordToken', { customer_id: id }),
      test.client.call('changePassword', { customer_id: id, current_password: 'a', new_password: 'long enough' }),
      test.client.call('mutateCustomers', {
        operations: [{ operation: { $case: 'update_customer', value: { id, first_name: 'x' } } }],
      }),
    ];
    for (const refusal of await Promise.all(calls.map((call) => test.client.refusal(call)))) {
      expect(refusal).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'CUSTOMER_ERASED', resource: id });
    }
    expect(await test.client.call('deleteCustomer', { id })).toEqual({});
    for (const name of ['addCustomersToGroup', 'removeCustomersFromGroup'] as const) {
      const call = test.client.call(name, { id: group_id, customer_ids: [id] });
      expect(await test.client.refusal(call)).toMatchObject({ reason: 'CUSTOMER_NOT_FOUND', resource: id });
    }
    const again = test.client.call('createCustomer', { id, email: 'new@example.com' });
    expect(await test.client.refusal(again)).toMatchObject({ reason: 'CUSTOMER_ID_TAKEN' });
    expect(await test.client.refusal(test.client.call('getCustomer', { id }))).toMatchObject({
      reason: 'CUSTOMER_NOT_FOUND',
    });
    expect((await eventsOf(test.database, id)).at(-1)?.type).toBe('customer.erased');
    await test.client.call('createCustomer', { email: PERSON.secondEmail, external_id: PERSON.external_id });
  });

  it('makes repeats of its requests CUSTOMER_ERASED too, and repeats the answer of its own', async () => {
    const mutate = test.client.call('mutateCustomers', {
      operations: [{ operation: { $case: 'update_customer', value: { id, first_name: PERSON.first_name } } }],
      request_id: 'person-mutate',
    });
    const update = test.client.call('updateCustomer', { id, email: PERSON.secondEmail, request_id: 'person-update' });
    const token = test.client.call('generateResetPasswordToken', { customer_id: id, request_id: 'person-token' });
    const create = test.client.call('createCustomer', PERSON_CREATED);
    for (const call of [mutate, update, token, create]) {
      expect(await test.client.refusal(call)).toMatchObject({ reason: 'CUSTOMER_ERASED', resource: id });
    }
    const join = test.client.call('addCustomersToGroup', {
      id: group_id,
      customer_ids: [id],
      request_id: 'person-join',
    });
    expect(await test.client.refusal(join)).toMatchObject({ reason: 'CUSTOMER_NOT_FOUND', resource: id });
    const other = test.client.call('updateCustomer', { id, email: 'x@example.com', request_id: 'person-update' });
    expect(await test.client.refusal(other)).toMatchObject({ reason: 'REQUEST_ID_REUSED' });
    expect(await test.client.call('eraseCustomer', { id, request_id: 'erase-again' })).toMatchObject({ revision: 8 });
  });

  it('works on a deleted customer, and names the erased one of a change of several', async () => {
    const created = await Promise.all(
      ['several-a', 'several-b'].map((name) => test.client.call('createCustomer', { email: `${name}@example.com` })),
    );
    const [kept, gone] = created.map(({ customer }) => customer!.id);
    const request = {
      operations: [kept!, gone!].map((one) => ({
        operation: { $case: 'update_customer' as const, value: { id: one, first_name: 'Both' } },
      })),
      request_id: 'several',
    };
    await test.client.call('mutateCustomers', request);
    await test.client.call('deleteCustomer', { id: gone!, request_id: 'several-delete' });
    expect(await test.client.call('eraseCustomer', { id: gone! })).toEqual({ revision: 4 });
    expect(await test.client.refusal(test.client.call('mutateCustomers', request))).toMatchObject({
      reason: 'CUSTOMER_ERASED',
      resource: gone,
    });
    expect(await test.client.call('deleteCustomer', { id: gone!, request_id: 'several-delete' })).toEqual({});
    expect((await test.client.call('getCustomer', { id: kept! })).customer).toMatchObject({ first_name: 'Both' });
  });

  it('refuses an unknown customer and a differing revision, and erases nothing', async () => {
    const unknown = test.client.call('eraseCustomer', { id: 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ' });
    expect(await test.client.refusal(unknown)).toMatchObject({ code: 'NOT_FOUND', reason: 'CUSTOMER_NOT_FOUND' });
    const { customer } = await test.client.call('createCustomer', { email: 'not-yet@example.com' });
    const early = test.client.call('eraseCustomer', { id: customer!.id, expected_revision: 2 });
    expect(await test.client.refusal(early)).toMatchObject({ code: 'ABORTED', reason: 'REVISION_MISMATCH' });
    expect((await test.client.refusal(test.client.call('eraseCustomer', { id: '' }))).fields).toEqual(['id']);
    const [event] = await eventsOf(test.database, customer!.id);
    expect(event?.data.customer).toMatchObject({ email: 'not-yet@example.com' });
  });

  it('erases once when eight ask at once', async () => {
    const { customer } = await test.client.call('createCustomer', { email: 'eight@example.com' });
    const calls = Array.from({ length: 8 }, () => test.client.call('eraseCustomer', { id: customer!.id }));
    for (const answer of await Promise.all(calls)) expect(answer).toEqual({ revision: 2 });
    expect(await eventsOf(test.database, customer!.id)).toHaveLength(2);
  });

  it('catches an event that is on its way from the outbox to the log', async () => {
    const sequencer = new Client({ connectionString: test.database.url });
    await sequencer.connect();
    await sequencer.query('begin');
    const { rows } = await sequencer.query<{ position: string }>(
      `select position from event_cursors where name = 'log' for update`,
    );
    const { customer } = await test.client.call('createCustomer', { email: 'on-its-way-tamarillo@example.com' });
    await sequencer.query(
      `with moved as (delete from customer_outbox returning *), logged as (
         insert into customer_events
         select $1::bigint + row_number() over (order by id), aggregate_type, aggregate_id, revision, type, occurred_at,
                actor, request_id, traceparent, data
           from moved)
       update event_cursors set position = $1::bigint + (select count(*) from moved) where name = 'log'`,
      [rows[0]?.position],
    );
    const erasing = test.client.call('eraseCustomer', { id: customer!.id }, { deadlineMs: 15_000 });
    await until(async () => {
      const waiting = await test.database.query(
        `select 1 from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query like 'update customer_outbox%'`,
      );
      return waiting.length > 0;
    });
    await sequencer.query('commit');
    await sequencer.end();
    expect(await erasing).toEqual({ revision: 2 });
    expect(await tracesOf(test.database, 'tamarillo')).toEqual([]);
    expect(await eventsOf(test.database, customer!.id)).toHaveLength(2);
  });

  it('catches what is changed and sequenced at the same moment', async () => {
    const pool = new Pool({ connectionString: test.database.url, max: 2 });
    const sequencers = [createSequencer(pool), createSequencer(pool)];
    let isOver = false;
    const sequencing = sequencers.map(async (sequencer) => {
      while (!isOver) await sequencer.round();
    });
    try {
      for (let round = 0; round < 6; round += 1) {
        const { customer } = await test.client.call('createCustomer', { email: `race-${round}-kumquat@example.com` });
        const one = customer!.id;
        const update = (n: number) =>
          test.client.call('updateCustomer', { id: one, first_name: `Kumquat ${n}`, request_id: `race-${round}-${n}` });
        const updates = Array.from({ length: 8 }, (_, n) => update(n));
        const [erased, ...updated] = await Promise.allSettled([
          test.client.call('eraseCustomer', { id: one }),
          ...updates,
        ]);
        expect(erased.status).toBe('fulfilled');
        for (const result of updated) {
          if (result.status === 'rejected') expect(result.reason).toMatchObject({ reason: 'CUSTOMER_ERASED' });
        }
        const events = await eventsOf(test.database, one);
        expect(events.map(({ revision }) => revision)).toEqual(events.map((_, index) => index + 1));
        expect(events.at(-1)?.type).toBe('customer.erased');
        for (let n = 0; n < 8; n += 1) {
          expect(await test.client.refusal(update(n))).toMatchObject({ reason: 'CUSTOMER_ERASED' });
        }
      }
    } finally {
      isOver = true;
      await Promise.all(sequencing);
      await pool.end();
    }
    expect(await tracesOf(test.database, 'kumquat')).toEqual([]);
  });
});
