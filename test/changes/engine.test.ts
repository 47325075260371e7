import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Refusal } from '../support/client';
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

const revisionsById = async () => {
  const byId = new Map<string, number[]>();
  for (const { aggregate_id, revision } of await eventsOf(one.database)) {
    byId.set(aggregate_id, [...(byId.get(aggregate_id) ?? []), revision]);
  }
  return byId;
};

describe('the change engine', () => {
  it('keeps every promise over 2,000 mixed changes from 64 callers against two processes', async () => {
    const hot = await Promise.all(
      Array.from({ length: 5 }, (_, n) => one.client.call('createCustomer', { email: `hot-${n}@example.com` })),
    );
    const acknowledged = new Map<string, string>();
    const refusals = new Map<string, number>();
    let next = 0;
    // What a busy machine is late with is no matter here.
    const patient = { deadlineMs: 60_000 };
    const change = async (n: number): Promise<void> => {
      const kind = n % 10;
      // Every tenth call repeats an earlier one, word for word, at the other process.
      const same = kind === 9 ? n - 2 : n;
      const client = (n % 2 === 0) === (kind === 9) ? one.client : two.client;
      const { id } = hot[same % 5]!.customer!;
      const request_id = `mixed-${same}`;
      const call =
        kind === 0
          ? client.call('createCustomer', { email: 'hot-1@example.com', request_id }, patient)
          : kind === 1
            ? client.call(
                'updateCustomer',
                { id, first_name: 'never', expected_revision: 1_000_000, request_id },
                patient,
              )
            : kind < 6
              ? client.call('createCustomer', { email: `mixed-${n}@example.com`, request_id }, patient)
              : client.call('updateCustomer', { id, metadata: { [`k${same % 50}`]: request_id }, request_id }, patient);
      try {
        const { customer } = await call;
        const answer = `${customer!.id}:${customer!.revision}`;
        expect(acknowledged.get(request_id) ?? answer).toBe(answer);
        acknowledged.set(request_id, answer);
      } catch (error) {
        const reason = (error as Refusal).reason ?? String(error);
        refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
      }
    };
    const caller = async (): Promise<void> => {
      while (next < 2_000) await change(next++);
    };
    await Promise.all(Array.from({ length: 64 }, caller));

    expect(Object.fromEntries(refusals)).toEqual({ GUEST_ALREADY_EXISTS: 200, REVISION_MISMATCH: 200 });
    for (const revisions of (await revisionsById()).values()) {
      expect(revisions).toEqual(Array.from({ length: revisions.length }, (_, index) => index + 1));
    }
    const events = await eventsOf(one.database);
    const told = new Map(events.map((event) => [`${event.aggregate_id}:${event.revision}`, event.request_id]));
    expect(told.size).toBe(events.length);
    for (const [request_id, answer] of acknowledged) expect(told.get(answer)).toBe(request_id);
    const recorded = new Set(events.map((event) => event.request_id));
    for (let n = 0; n < 2_000; n += 10) {
      expect(recorded.has(`mixed-${n}`)).toBe(false);
      expect(recorded.has(`mixed-${n + 1}`)).toBe(false);
    }
    await delay(500);
    const positions = await one.database.query<{ position: number }>(
      'select position::int from customer_events order by 1',
    );
    expect(positions.map(({ position }) => position)).toEqual(positions.map((_, index) => index + 1));
    expect(await one.database.query('select 1 from customer_outbox')).toEqual([]);
  }, 120_000);

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
