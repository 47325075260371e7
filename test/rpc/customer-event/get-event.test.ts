import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

describe('GetEvent', () => {
  it('answers the event of the revision that a reply has just named, every time', async () => {
    const { customer } = await test.client.call('createCustomer', { email: 'get@example.com' });
    for (let n = 2; n <= 30; n += 1) {
      const { customer: changed } = await test.client.call('updateCustomer', { id: customer!.id, metadata: { n } });
      const asked = { aggregate_id: customer!.id, revision: changed!.revision };
      const { item } = await test.client.call('getEvent', asked);
      expect(item?.event?.value).toMatchObject({ id: `${customer!.id}:${n}`, customer: changed });
    }
  });

  it('answers EVENT_NOT_FOUND for what there is not', async () => {
    for (const revision of [1, 2 ** 31, 2 ** 32 - 1]) {
      const asked = { aggregate_id: 'cgrp_01M8774TG1MF4P7ZJR0AE4MPS8', revision };
      expect(await test.client.refusal(test.client.call('getEvent', asked))).toMatchObject({
        code: 'NOT_FOUND',
        reason: 'EVENT_NOT_FOUND',
        resource: `cgrp_01M8774TG1MF4P7ZJR0AE4MPS8:${revision}`,
      });
    }
  });

  it('refuses an id of another kind and revision 0, both at once', async () => {
    const asked = { aggregate_id: 'addr_01M8774TG1MF4P7ZJR0AE4MPS8', revision: 0 };
    expect(await test.client.refusal(test.client.call('getEvent', asked))).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: ['aggregate_id', 'revision'],
    });
  });

  it('takes a caller who does not wait for the log for no bug', async () => {
    const unsequenced = await startTestService({ env: { RELAY: 'off' } });
    const { customer } = await unsequenced.client.call('createCustomer', { email: 'wait@example.com' });
    const asked = unsequenced.client.call('getEvent', { aggregate_id: customer!.id, revision: 1 }, { deadlineMs: 300 });
    expect(await unsequenced.client.refusal(asked)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await unsequenced.stop();
    expect(unsequenced.logs.filter((line) => line.includes('a call failed'))).toEqual([]);
  });
});
