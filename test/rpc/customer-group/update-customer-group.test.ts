import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

const newGroup = async (name: string, metadata: object = {}) =>
  (await test.client.call('createCustomerGroup', { name, metadata })).customer_group!;

describe('UpdateCustomerGroup', () => {
  it('changes what is given, with one event that tells what it was', async () => {
    const { id } = await newGroup('Before', { a: 1, b: 2 });
    const { customer_group: group } = await test.client.call('updateCustomerGroup', {
      id,
      name: 'After',
      metadata: { b: '', c: null },
      expected_revision: 1,
    });
    expect(group).toMatchObject({ name: 'After', metadata: { a: 1, c: null }, revision: 2 });
    expect(await test.client.call('getCustomerGroup', { id })).toEqual({ customer_group: group });
    const [, event, ...others] = await eventsOf(test.database, id);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      type: 'customer_group.updated',
      revision: 2,
      data: {
        changed_fields: ['name', 'metadata'],
        group: { name: 'After', revision: 2 },
        previous: { name: 'Before', metadata: { a: 1, b: 2 } },
      },
    });
    const replaced = await test.client.call('updateCustomerGroup', { id, replace_metadata: { d: '' } });
    expect(replaced.customer_group).toMatchObject({ name: 'After', metadata: { d: '' }, revision: 3 });
  });

  it('makes no event when nothing differs', async () => {
    const group = await newGroup('Same', { a: { b: 1, c: 2 } });
    const request = { id: group.id, name: ' Same', metadata: { a: { c: 2, b: 1 } } };
    expect(await test.client.call('updateCustomerGroup', request)).toEqual({ customer_group: group });
    expect(await eventsOf(test.database, group.id)).toHaveLength(1);
  });

  it('refuses what is taken, unknown, different or unsound, and records nothing', async () => {
    const holder = await newGroup('Held');
    const { id } = await newGroup('Other', { a: 'x'.repeat(9_000) });
    const update = (request: object) =>
      test.client.refusal(test.client.call('updateCustomerGroup', { id, ...request }));
    expect(await update({ name: 'Held' })).toMatchObject({ reason: 'GROUP_NAME_TAKEN', resource: holder.id });
    const unknown = 'cgrp_01HZZZZZZZZZZZZZZZZZZZZZZZ';
    expect(await update({ id: unknown, name: 'New' })).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'GROUP_NOT_FOUND',
      resource: unknown,
    });
    expect(await update({ expected_revision: 2 })).toMatchObject({
      reason: 'REVISION_MISMATCH',
      metadata: { current_revision: '1' },
    });
    expect((await update({ metadata: { b: 'x'.repeat(9_000) } })).fields).toEqual(['metadata']);
    expect((await update({ name: '', metadata: {}, replace_metadata: {} })).fields).toEqual([
      'name',
      'replace_metadata',
    ]);
    expect(await eventsOf(test.database, id)).toHaveLength(1);
  });

  it('keeps all of eight merges at once, and lets names trade places', async () => {
    const [a, b] = [await newGroup('Name A'), await newGroup('Name B')];
    await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        test.client.call('updateCustomerGroup', { id: a.id, metadata: { [`k${n}`]: n } }),
      ),
    );
    const { customer_group: merged } = await test.client.call('getCustomerGroup', { id: a.id });
    expect(Object.keys(merged!.metadata!)).toHaveLength(8);
    const rename = (id: string, name: string) => test.client.call('updateCustomerGroup', { id, name });
    await Promise.all([rename(a.id, 'Name C'), rename(b.id, 'Name A'), rename(a.id, 'Name B')]);
    expect((await test.client.call('getCustomerGroup', { id: a.id })).customer_group?.name).toBe('Name B');
    expect((await test.client.call('getCustomerGroup', { id: b.id })).customer_group?.name).toBe('Name A');
    expect((await eventsOf(test.database, a.id)).map(({ revision }) => revision)).toEqual(
      Array.from({ length: 11 }, (_, index) => index + 1),
    );
  });
});
