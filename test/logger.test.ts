import { startTestService, type TestService } from './support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

describe('the log', () => {
  it('holds the cause of a bug under its call_id, but nothing of the customer', async () => {
    await test.database.query(`alter table customers add constraint no_bug check (first_name <> 'Buginvillea')`);
    const call = test.client.call('createCustomer', { email: 'buginvillea@example.com', first_name: 'Buginvillea' });
    const refusal = await test.client.refusal(call);
    expect(refusal).toMatchObject({ code: 'INTERNAL', message: 'Internal error' });
    const lines = test.logs.filter((line) => line.includes(refusal.metadata!['call_id']!));
    expect(lines.join('')).toContain('violates check constraint \\"no_bug\\"');
    expect(test.logs.join('').toLowerCase()).not.toContain('buginvillea');
  });
});
