import { Customer_Relation } from '../../../src/gen/customer/v1/customer';
import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';

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
/** A group and its members, the first of which is in another group too. */
const newGroup = async (members: number) => {
  number += 1;
  const group = (await test.client.call('createCustomerGroup', { name: `Group ${number}` })).customer_group!;
  const second = (await test.client.call('createCustomerGroup', { name: `Second ${number}` })).customer_group!;
  const created = await Promise.all(
    Array.from({ length: members }, (_, n) =>
      test.client.call('createCustomer', { email: `member-${number}-${n}@example.com` }),
    ),
  );
  const ids = created.map(({ customer }) => customer!.id);
  await test.client.call('addCustomersToGroup', { id: group.id, customer_ids: ids });
  await test.client.call('addCustomersToGroup', { id: second.id, customer_ids: ids.slice(0, 1) });
  return { group, second, ids };
};

const storedOf = (group_id: string) =>
  test.database.query('select customer_id from customer_group_members where group_id = $1', [group_id]);

describe('RemoveCustomersFromGroup', () => {
  it('takes members out, each with one event and its revision, and leaves what else they are in', async () => {
    const { group, second, ids } = await newGroup(2);
    const answer = await test.client.call('removeCustomersFromGroup', { id: group.id, customer_ids: ids });
    expect(answer).toEqual({ customer_group: group, changed_count: 2 });
    expect(await storedOf(group.id)).toEqual([]);
    const events = await eventsOf(test.database, ids[0]);
    expect(events.at(-1)).toMatchObject({
      type: 'customer.group_removed',
      revision: 4,
      data: { changed_fields: ['groups'], removed_group_ids: [group.id], customer: { revision: 4 } },
    });
    const expand = [Customer_Relation.RELATION_GROUPS];
    const { customer } = await test.client.call('getCustomer', { id: ids[0]!, expand });
    expect(customer).toMatchObject({ revision: 4, groups: [{ id: second.id }] });
    expect(await eventsOf(test.database, group.id)).toHaveLength(1);
  });

  it('changes nothing for who is not in it, but still looks at the group’s revision', async () => {
    const { group, ids } = await newGroup(1);
    const remove = (request: object = {}) =>
      test.client.call('removeCustomersFromGroup', { id: group.id, customer_ids: ids, ...request });
    await remove();
    const before = await eventsOf(test.database);
    expect(await remove({ expected_revision: 1 })).toEqual({ customer_group: group, changed_count: 0 });
    expect(await test.client.refusal(remove({ expected_revision: 2 }))).toMatchObject({
      code: 'ABORTED',
      reason: 'REVISION_MISMATCH',
      metadata: { current_revision: '1' },
    });
    expect(await test.client.refusal(remove({ id: 'cgrp_01HZZZZZZZZZZZZZZZZZZZZZZZ' }))).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'GROUP_NOT_FOUND',
    });
    expect((await test.client.refusal(remove({ id: 'cgrp_', customer_ids: ['', ids[0]] }))).fields).toEqual([
      'id',
      'customer_ids[0]',
    ]);
    expect(await eventsOf(test.database)).toEqual(before);
  });

  it('answers a repeated request_id with the first answer, though they are out by then', async () => {
    const { group, ids } = await newGroup(2);
    const request = { id: group.id, customer_ids: ids, request_id: 'leave' };
    const answer = await test.client.call('removeCustomersFromGroup', request);
    await test.client.call('addCustomersToGroup', { id: group.id, customer_ids: ids });
    expect(await test.client.call('removeCustomersFromGroup', request)).toEqual(answer);
    expect(await storedOf(group.id)).toHaveLength(2);
    const another = { ...request, customer_ids: ids.slice(0, 1) };
    expect(await test.client.refusal(test.client.call('removeCustomersFromGroup', another))).toMatchObject({
      reason: 'REQUEST_ID_REUSED',
    });
  });

  it('takes each member out once when eight ask at once in two processes, in any order', async () => {
    const { group, ids } = await newGroup(6);
    const calls = Array.from({ length: 8 }, (_, n) =>
      [test, other][n % 2]!.client.call('removeCustomersFromGroup', {
        id: group.id,
        customer_ids: n < 4 ? ids : [...ids].reverse(),
      }),
    );
    const counts = (await Promise.all(calls)).map(({ changed_count }) => changed_count);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(ids.length);
    expect(await storedOf(group.id)).toEqual([]);
    for (const id of ids.slice(1)) {
      expect((await eventsOf(test.database, id)).map(({ type, revision }) => `${revision} ${type}`)).toEqual([
        '1 customer.created',
        '2 customer.group_added',
        '3 customer.group_removed',
      ]);
    }
  });
});
