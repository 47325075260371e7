import { setTimeout as delay } from 'node:timers/promises';
import { startTestService, type TestService } from '../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService({ env: { DATABASE_POOL_SIZE: '6' } })));
afterAll(() => test.stop());

/** Makes every list wait until the answer is called. */
const holdCustomers = async () => {
  await test.database.query('begin');
  await test.database.query('lock table customer_groups in access exclusive mode');
  return () => test.database.query('rollback');
};

const listing = async () => {
  // What a transaction has seen of the activity it sees again.
  await test.database.query('select pg_stat_clear_snapshot()');
  return test.database.query<{ pid: number }>(
    `select pid from pg_stat_activity
      where datname = current_database() and query like 'select id, name%' and state = 'active'`,
  );
};

describe('lists and counts', () => {
  it('leave connections to everything else, and wait for their turn', async () => {
    const { customer } = await test.client.call('createCustomer', { email: 'quick@example.com' });
    const release = await holdCustomers();
    const lists = Array.from({ length: 20 }, () => test.client.call('listCustomerGroups', {}));
    while ((await listing()).length < 2) await delay(20);
    expect((await test.client.call('getCustomer', { id: customer!.id })).customer?.id).toBe(customer!.id);
    expect(await listing()).toHaveLength(2);
    await release();
    expect(await Promise.all(lists)).toHaveLength(20);
  });

  it('are cancelled in the database when the deadline passes, those that wait as well', async () => {
    const release = await holdCustomers();
    const calls = Array.from({ length: 4 }, () => test.client.call('listCustomerGroups', {}, { deadlineMs: 500 }));
    for (const call of calls) {
      expect(await test.client.refusal(call)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    }
    while ((await listing()).length > 0) await delay(20);
    await release();
    expect((await test.client.call('listCustomerGroups', {})).customer_groups).toEqual([]);
  });

  it('are refused at once when too many wait', async () => {
    const release = await holdCustomers();
    const calls = Array.from({ length: 300 }, () => test.client.call('listCustomerGroups', {}, { deadlineMs: 20_000 }));
    const refused = Promise.any(
      calls.map((call) =>
        call.then(
          () => Promise.reject(new Error('answered')),
          (error: unknown) => error,
        ),
      ),
    );
    expect(await refused).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'OVERLOADED', retries: true });
    await release();
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(200);
  });
});
