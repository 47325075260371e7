import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

describe('GetCustomerGroup', () => {
  it('answers a group, and refuses an unknown one and a bad id', async () => {
    const { customer_group } = await test.client.call('createCustomerGroup', { name: 'Friends', metadata: { a: 1 } });
    expect(await test.client.call('getCustomerGroup', { id: customer_group!.id })).toEqual({ customer_group });
    const unknown = 'cgrp_01HZZZZZZZZZZZZZZZZZZZZZZZ';
    const refusal = await test.client.refusal(test.client.call('getCustomerGroup', { id: unknown }));
    expect(refusal).toMatchObject({ code: 'NOT_FOUND', reason: 'GROUP_NOT_FOUND', resource: unknown });
    const bad = await test.client.refusal(test.client.call('getCustomerGroup', { id: 'cus_1' }));
    expect(bad).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['id'] });
  });
});
