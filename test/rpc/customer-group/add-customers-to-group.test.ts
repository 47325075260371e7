import { Customer_Relation } from '../../../src/gen/customer/v1/customer';
import { insertCustomers } from '../../support/customers';
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
const newGroup = async () => {
  number += 1;
  return (await test.client.call('createCustomerGroup', { name: `Group ${number}` })).customer_group!;
};
const newCustomers = async (count: number) => {
  const calls = Array.from({ length: count }, () => {
    number += 1;
    return test.client.call('createCustomer', { email: `group-${number}@example.com` });
  });
  return (await Promise.all(calls)).map(({ customer }) => customer!.id);
};
const groupsOf = async (id: string) =>
  (await test.client.call('getCustomer', { id, expand: [Customer_Relation.RELATION_GROUPS] })).customer!.groups.map(
    (group) => group.id,
  );

describe('AddCustomersToGroup and RemoveCustomersFromGroup', () => {
  it('change those that were not as asked, each with its revision and event; the group’s revision stays', async () => {
    const group = await newGroup();
    const [a, b, c] = await newCustomers(3);
    const add = (customer_ids: string[], request_id = '') =>
      test.client.call('addCustomersToGroup', { id: group.id, customer_ids, request_id });
    expect(await add([a!, b!], 'first')).toEqual({ customer_group: group, changed_count: 2 });
    expect(await add([a!, b!, c!, c!])).toEqual({ customer_group: group, changed_count: 1 });
    for (const id of [a!, b!, c!]) expect(await groupsOf(id)).toEqual([group.id]);
    const [, event, ...others] = await eventsOf(test.database, a);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      type: 'customer.group_added',
      revision: 2,
      request_id: 'first',
      data: { changed_fields: ['groups'], added_group_ids: [group.id] },
    });
    expect(event?.data.removed_group_ids).toBeUndefined();
    const remove = (customer_ids: string[]) =>
      test.client.call('removeCustomersFromGroup', { id: group.id, customer_ids });
    expect(await remove([a!, b!])).toEqual({ customer_group: group, changed_count: 2 });
    expect(await remove([a!, b!, c!])).toEqual({ customer_group: group, changed_count: 1 });
    expect(await groupsOf(c!)).toEqual([]);
    const last = (await eventsOf(test.database, c)).at(-1);
    expect(last).toMatchObject({
      type: 'customer.group_removed',
      revision: 3,
      data: { changed_fields: ['groups'], removed_group_ids: [group.id] },
    });
    expect(await eventsOf(test.database, group.id)).toHaveLength(1);
  });

  it('leave other groups of a customer alone', async () => {
    const [one, two] = [await newGroup(), await newGroup()];
    const [id] = await newCustomers(1);
    await test.client.call('addCustomersToGroup', { id: one.id, customer_ids: [id!] });
    await test.client.call('addCustomersToGroup', { id: two.id, customer_ids: [id!] });
    expect((await groupsOf(id!)).sort()).toEqual([one.id, two.id].sort());
    await test.client.call('removeCustomersFromGroup', { id: one.id, customer_ids: [id!] });
    expect(await groupsOf(id!)).toEqual([two.id]);
  });

  it.each(['addCustomersToGroup', 'removeCustomersFromGroup'] as const)(
    '%s names unknown and deleted customers, and then changes nothing',
    async (name) => {
      const group = await newGroup();
      const [known, gone] = await newCustomers(2);
      if (name === 'removeCustomersFromGroup') {
        await test.client.call('addCustomersToGroup', { id: group.id, customer_ids: [known!, gone!] });
      }
      await test.client.call('deleteCustomer', { id: gone! });
      const before = await eventsOf(test.database);
      const unknown = 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ';
      const call = test.client.call(name, { id: group.id, customer_ids: [known!, unknown, gone!] });
      expect(await test.client.refusal(call)).toMatchObject({
        code: 'NOT_FOUND',
        reason: 'CUSTOMER_NOT_FOUND',
        metadata: { missing_ids: `${unknown},${gone!}`, missing_count: '2' },
        resource: unknown,
      });
      const nobody = Array.from({ length: 1_000 }, (_, n) => `cus_01HZZZZZZZZZZZZZZZZZZZ${String(n).padStart(4, '0')}`);
      const many = await test.client.refusal(test.client.call(name, { id: group.id, customer_ids: nobody }));
      expect(many.metadata?.['missing_ids']?.split(',')).toEqual(nobody.slice(0, 6));
      expect(many.metadata?.['missing_count']).toBe('1000');
      expect(await eventsOf(test.database)).toEqual(before);
    },
  );

  it('look at the group and its revision before the customers', async () => {
    const group = await newGroup();
    const unknown = 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ';
    const add = (request: object) =>
      test.client.refusal(
        test.client.call('addCustomersToGroup', { id: group.id, customer_ids: [unknown], ...request }),
      );
    expect(await add({ id: 'cgrp_01HZZZZZZZZZZZZZZZZZZZZZZZ' })).toMatchObject({ reason: 'GROUP_NOT_FOUND' });
    expect(await add({ expected_revision: 2 })).toMatchObject({ reason: 'REVISION_MISMATCH' });
    expect((await add({ id: '', customer_ids: [] })).fields).toEqual(['id', 'customer_ids']);
    expect((await add({ customer_ids: [unknown, 'cus_'] })).fields).toEqual(['customer_ids[1]']);
    expect((await add({ customer_ids: Array.from({ length: 1_001 }, () => '') })).fields).toEqual(['customer_ids']);
  });

  it('change a thousand customers in one call, and repeat the answer under the same request_id', async () => {
    const group = await newGroup();
    const ids = await insertCustomers(test.database, 'thousand', 1_000);
    const request = { id: group.id, customer_ids: ids, request_id: 'thousand' };
    const answer = await test.client.call('addCustomersToGroup', request);
    expect(answer.changed_count).toBe(1_000);
    expect(await test.client.call('addCustomersToGroup', request)).toEqual(answer);
    const events = (await eventsOf(test.database)).filter(({ request_id }) => request_id === 'thousand');
    expect(events).toHaveLength(1_000);
  });

  it('keep every membership of eight calls at once in two processes, and each customer’s revisions without gaps', async () => {
    const groups = await Promise.all(Array.from({ length: 4 }, newGroup));
    const ids = await newCustomers(6);
    const calls = groups.flatMap((group, n) =>
      [test, other].map(({ client }) =>
        client.call('addCustomersToGroup', {
          id: group.id,
          customer_ids: n % 2 === 0 ? ids : [...ids].reverse(),
        }),
      ),
    );
    const changed = (await Promise.all(calls)).map(({ changed_count }) => changed_count);
    expect(changed.reduce((sum, count) => sum + count, 0)).toBe(groups.length * ids.length);
    for (const id of ids) {
      expect((await groupsOf(id)).sort()).toEqual(groups.map((group) => group.id).sort());
      expect((await eventsOf(test.database, id)).map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5]);
    }
  });
});
