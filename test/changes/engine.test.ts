import { Client } from 'pg';
import { eventsOf } from '../support/events';
import { startTestService, type TestService } from '../support/service';

let one: TestService;
let two: TestService;
beforeAll(async () => {
  one = await startTestService();
  two = await startTestService({ database: one.database });
});
afterAll(async () => {
  await two.stop();
  await one.stop();
});

describe('the change engine', () => {
  it('lets a row that is held elsewhere hold up nobody but its own callers', async () => {
    const { customer: held } = await one.client.call('createCustomer', { email: 'held@example.com' });
    const { customer: free } = await one.client.call('createCustomer', { email: 'free@example.com' });
    const psql = new Client({ connectionString: one.database.url });
    await psql.connect();
    await psql.query('begin');
    await psql.query('select 1 from customers where id = $1 for update', [held!.id]);
    const waiting = one.client.call('updateCustomer', { id: held!.id, first_name: 'Late' }, { deadlineMs: 30_000 });
    const hurried = Array.from({ length: 20 }, () =>
      one.client.refusal(one.client.call('updateCustomer', { id: held!.id, first_name: 'Never' }, { deadlineMs: 200 })),
    );
    try {
      // More than wait for the held row, one after the other: each would end with its deadline, were it held up.
      for (let n = 0; n < 20; n += 1) await one.client.call('updateCustomer', { id: free!.id, metadata: { n } });
      for (const refusal of await Promise.all(hurried)) expect(refusal.code).toBe('DEADLINE_EXCEEDED');
    } finally {
      await psql.query('rollback');
      await psql.end();
    }
    expect((await waiting).customer).toMatchObject({ first_name: 'Late', revision: 2 });
  });

  it('lets callers with deadlines of 5 ms slow nobody down', async () => {
    const { customer } = await one.client.call('createCustomer', { email: 'hurry@example.com' });
    const hurried = Array.from({ length: 200 }, (_, n) =>
      one.client
        .call('updateCustomer', { id: customer!.id, metadata: { n } }, { deadlineMs: 5 })
        .catch(() => undefined),
    );
    const patient = Array.from({ length: 50 }, (_, n) =>
      one.client.call('createCustomer', { email: `patient-${n}@example.com` }),
    );
    expect(await Promise.all(patient)).toHaveLength(50);
    await Promise.all(hurried);
    const { customer: after } = await one.client.call('getCustomer', { id: customer!.id });
    expect((await eventsOf(one.database, customer!.id)).length).toBe(after!.revision);
  });

  it('comes through two callers that want the e-mails of each other', async () => {
    const [a, b] = await Promise.all(
      ['swap-a@example.com', 'swap-b@example.com'].map((email) => one.client.call('createCustomer', { email })),
    );
    const refusals = await Promise.all([
      one.client.refusal(one.client.call('updateCustomer', { id: a!.customer!.id, email: 'swap-b@example.com' })),
      two.client.refusal(two.client.call('updateCustomer', { id: b!.customer!.id, email: 'swap-a@example.com' })),
    ]);
    for (const refusal of refusals) expect(refusal.reason).toBe('GUEST_ALREADY_EXISTS');
  });

  it('halves a batch that the database refuses, so that only the faulty change fails', async () => {
    await one.database.query(
      `alter table customers add constraint no_bad_names check (first_name is distinct from 'refused by a constraint')`,
    );
    const calls = Array.from({ length: 30 }, (_, n) =>
      one.client.call('createCustomer', {
        email: `halved-${n}@example.com`,
        first_name: n === 17 ? 'refused by a constraint' : 'fine',
      }),
    );
    const results = await Promise.allSettled(calls);
    const failed = results.flatMap((result, n) =>
      result.status === 'rejected' ? [{ n, ...(result.reason as object) }] : [],
    );
    expect(failed).toMatchObject([{ n: 17, code: 'INTERNAL', reason: 'INTERNAL', message: 'Internal error' }]);
    await one.database.query('alter table customers drop constraint no_bad_names');
  });
});
