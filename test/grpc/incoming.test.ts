import { startTestService, type TestService } from '../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

describe('a unary call without a deadline', () => {
  it('ends after 5 s, one with a deadline not before that', async () => {
    const { customer } = await test.client.call('createCustomer', { email: 'held@example.com' });
    await test.database.query('begin');
    await test.database.query('select 1 from customers for update');
    const update = (first_name: string, options = {}) =>
      test.client.call('updateCustomer', { id: customer!.id, first_name }, options);
    const patient = update('Patient', { deadlineMs: 20_000 });
    const startedAt = Date.now();
    expect(await test.client.refusal(update('Never'))).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      reason: 'DEADLINE_EXCEEDED',
    });
    const took = Date.now() - startedAt;
    await test.database.query('rollback');
    expect(took).toBeGreaterThanOrEqual(4_900);
    expect(took).toBeLessThan(10_000);
    expect((await patient).customer).toMatchObject({ first_name: 'Patient', revision: 2 });
  });
});
