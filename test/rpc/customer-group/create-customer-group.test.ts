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

describe('CreateCustomerGroup', () => {
  it('stores the group and answers it, with one event', async () => {
    const { customer_group: group } = await test.client.call('createCustomerGroup', {
      name: '  Wholesale ',
      metadata: { discount: 0.1, note: '' },
      request_id: 'create',
    });
    expect(group).toMatchObject({
      id: expect.stringMatching(/^cgrp_[0-9A-HJKMNP-TV-Z]{26}$/),
      name: 'Wholesale',
      metadata: { discount: 0.1, note: '' },
      revision: 1,
    });
    expect(await test.client.call('getCustomerGroup', { id: group!.id })).toEqual({ customer_group: group });
    const [event, ...others] = await eventsOf(test.database, group!.id);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ type: 'customer_group.created', revision: 1, request_id: 'create' });
    expect(event?.data).toMatchObject({
      group_id: group!.id,
      changed_fields: [],
      group: { id: group!.id, name: 'Wholesale', metadata: { discount: 0.1, note: '' }, revision: 1 },
    });
    expect(event?.data.previous).toBeUndefined();
  });

  it('refuses a name that is taken as it is written, and records nothing', async () => {
    const { customer_group: group } = await test.client.call('createCustomerGroup', { name: 'Taken' });
    const before = await eventsOf(test.database);
    expect(await test.client.refusal(test.client.call('createCustomerGroup', { name: 'Taken ' }))).toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'GROUP_NAME_TAKEN',
      resource: group!.id,
    });
    expect(await eventsOf(test.database)).toEqual(before);
    await test.client.call('createCustomerGroup', { name: 'taken' });
    await test.client.call('createCustomerGroup', { name: 'A\u030a' });
    expect(await test.client.refusal(test.client.call('createCustomerGroup', { name: '\u00c5' }))).toMatchObject({
      reason: 'GROUP_NAME_TAKEN',
    });
  });

  it('gives a name to one of eight that want it in two processes at once', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) =>
        (n % 2 === 0 ? test : other).client.call('createCustomerGroup', { name: 'Wanted' }),
      ),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ reason: 'GROUP_NAME_TAKEN' });
    }
  });

  it('names every fault at once', async () => {
    const call = test.client.call('createCustomerGroup', { name: ' ', metadata: { a: '\0' }, request_id: 'ä' });
    expect((await test.client.refusal(call)).fields).toEqual(['name', 'metadata.a', 'request_id']);
    const long = test.client.call('createCustomerGroup', { name: '𝔘'.repeat(201) });
    expect((await test.client.refusal(long)).fields).toEqual(['name']);
    await test.client.call('createCustomerGroup', { name: '𝔘'.repeat(200) });
  });

  it('answers a repeated request_id with the first answer', async () => {
    const request = { name: 'Twice', request_id: 'twice' };
    const first = await test.client.call('createCustomerGroup', request);
    expect(await other.client.call('createCustomerGroup', request)).toEqual(first);
  });
});
