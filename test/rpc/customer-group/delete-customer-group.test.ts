import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { Customer_Relation } from '../../../src/gen/customer/v1/customer';
import { insertCustomers } from '../../support/customers';
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

const newGroup = async (name: string) => (await test.client.call('createCustomerGroup', { name })).customer_group!;
const newCustomer = async (email: string) => (await test.client.call('createCustomer', { email })).customer!;

const leftovers = () =>
  test.database.query(
    `select group_id from customer_group_members where group_id not in (select id from customer_groups)
     union all select id from removed_groups`,
  );

describe('DeleteCustomerGroup', () => {
  it('deletes the group with one event; members leave it without a revision, at once', async () => {
    const [group, kept] = [await newGroup('Gone'), await newGroup('Kept')];
    const { id } = await newCustomer('member@example.com');
    await test.client.call('updateCustomer', { id, groups: { ids: [group.id, kept.id] } });
    const answer = await test.client.call('deleteCustomerGroup', { id: group.id, expected_revision: 1 });
    expect(answer.customer_group).toMatchObject({ id: group.id, name: 'Gone', revision: 2 });
    for (const group_ids of [[group.id], [group.id, 'cgrp_01HZZZZZZZZZZZZZZZZZZZZZZZ']]) {
      const { customers } = await test.client.call('listCustomers', { filter: { group_ids } });
      expect(customers).toEqual([]);
      expect(await test.client.call('countCustomers', { filter: { group_ids } })).toEqual({ count: 0 });
    }
    expect(await test.client.refusal(test.client.call('getCustomerGroup', { id: group.id }))).toMatchObject({
      reason: 'GROUP_NOT_FOUND',
    });
    const { customer } = await test.client.call('getCustomer', { id, expand: [Customer_Relation.RELATION_GROUPS] });
    expect(customer?.revision).toBe(2);
    expect(customer?.groups.map((one) => one.id)).toEqual([kept.id]);
    const [, event, ...others] = await eventsOf(test.database, group.id);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      type: 'customer_group.deleted',
      revision: 2,
      data: { changed_fields: [], group: { id: group.id, name: 'Gone', revision: 2 } },
    });
    await newGroup('Gone');
    // To be in no group but the kept one is what it is already.
    const same = await test.client.call('updateCustomer', { id, groups: { ids: [kept.id] } });
    expect(same.customer?.revision).toBe(2);
  });

  it('is OK without a group where there is none, whatever revision is expected', async () => {
    const group = await newGroup('Twice');
    const wrong = test.client.call('deleteCustomerGroup', { id: group.id, expected_revision: 3 });
    expect(await test.client.refusal(wrong)).toMatchObject({ reason: 'REVISION_MISMATCH' });
    await test.client.call('deleteCustomerGroup', { id: group.id });
    expect(await test.client.call('deleteCustomerGroup', { id: group.id, expected_revision: 3 })).toEqual({});
    expect((await test.client.refusal(test.client.call('deleteCustomerGroup', { id: 'x' }))).fields).toEqual(['id']);
    expect(await eventsOf(test.database, group.id)).toHaveLength(2);
  });

  it('deletes once when eight ask at once', async () => {
    const { id } = await newGroup('Eight');
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? test : other).client.call('deleteCustomerGroup', { id })),
    );
    expect(answers.filter(({ customer_group }) => customer_group !== undefined)).toHaveLength(1);
    expect(await eventsOf(test.database, id)).toHaveLength(2);
  });

  it('comes between joins of two processes without leaving a member behind', async () => {
    const group = await newGroup('Contended');
    const ids = await Promise.all(Array.from({ length: 24 }, (_, n) => newCustomer(`contended-${n}@example.com`)));
    const joins = ids.map(({ id }, n) =>
      (n % 2 === 0 ? test : other).client
        .call('addCustomersToGroup', { id: group.id, customer_ids: [id] })
        .then(({ changed_count }) => changed_count)
        .catch((error: unknown) => {
          expect(error).toMatchObject({ reason: 'GROUP_NOT_FOUND' });
          return 0;
        }),
    );
    const [deleted, ...joined] = await Promise.all([
      test.client.call('deleteCustomerGroup', { id: group.id }),
      ...joins,
    ]);
    expect(deleted.customer_group).toBeDefined();
    const told = (await eventsOf(test.database)).filter(
      ({ data }) => data.added_group_ids?.includes(group.id) === true,
    );
    expect(told).toHaveLength(joined.reduce((sum, count) => sum + count, 0));
    await until(async () => (await leftovers()).length === 0);
  });

  it('lets nobody join any more while it waits for those who are joining', async () => {
    const { id } = await newGroup('Popular');
    const late = await newCustomer('late@example.com');
    const joining = new Client({ connectionString: test.database.url });
    await joining.connect();
    await joining.query('begin');
    await joining.query('select 1 from customer_groups where id = $1 for key share', [id]);
    const remove = test.client.call('deleteCustomerGroup', { id }, { deadlineMs: 15_000 });
    await until(async () => {
      const waiting = await test.database.query(
        `select 1 from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query like '%customer_groups%'`,
      );
      return waiting.length > 0;
    });
    const join = test.client.call('addCustomersToGroup', { id, customer_ids: [late.id] }, { deadlineMs: 15_000 });
    const refusal = test.client.refusal(join);
    await delay(200);
    await joining.query('rollback');
    await joining.end();
    expect((await remove).customer_group).toBeDefined();
    expect((await refusal).reason).toBe('GROUP_NOT_FOUND');
  });

  it('removes the memberships of large groups in batches, two processes at it', async () => {
    const groups = await Promise.all(['Large A', 'Large B'].map(newGroup));
    const { id: member } = await newCustomer('last@example.com');
    for (const { id } of groups) {
      const members = await insertCustomers(test.database, id.toLowerCase(), 2_500);
      await test.database.query(
        'insert into customer_group_members (group_id, customer_id, created_at) select $1, unnest($2::text[]), now()',
        [id, members],
      );
      await test.client.call('addCustomersToGroup', { id, customer_ids: [member] });
    }
    await Promise.all(groups.map(({ id }) => test.client.call('deleteCustomerGroup', { id })));
    const { customer } = await test.client.call('getCustomer', {
      id: member,
      expand: [Customer_Relation.RELATION_GROUPS],
    });
    expect(customer?.groups).toEqual([]);
    await until(async () => (await leftovers()).length === 0);
  });
});
