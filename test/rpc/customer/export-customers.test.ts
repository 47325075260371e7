import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { CustomerFilter_Deleted, type ExportCustomersResponse } from '../../../src/gen/customer/v1/customer';
import { startTestService, type TestService } from '../../support/service';
import { collect, exportAll, importAll } from '../../support/streams';
import { until } from '../../support/until';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

const logHead = async () => {
  const [row] = await test.database.query<{ position: string }>(
    `select coalesce(max(position), 0)::text as position from customer_events`,
  );
  return row!.position;
};

const sequenced = async (): Promise<void> => {
  while ((await test.database.query('select 1 from customer_outbox limit 1')).length > 0) await delay(20);
};

describe('ExportCustomers', () => {
  it('answers only the position when there is nobody', async () => {
    expect(await exportAll(test.client.raw)).toEqual({ customers: [], position: '0', messages: 1 });
  });

  it('answers everybody alive by id, at most 100 a message, then the head of the log from before', async () => {
    const stored = await importAll(
      test.client.raw,
      Array.from({ length: 612 }, (_, n) => ({ customer: { email: `row-${n}@example.com` } })),
    );
    await test.client.call('deleteCustomer', { id: stored[5]!.customer!.id });
    await sequenced();
    const exported = await exportAll(test.client.raw);
    const alive = stored.filter((_, n) => n !== 5).map(({ customer }) => customer!);
    expect(exported.customers).toEqual(alive.sort((a, b) => (a.id < b.id ? -1 : 1)));
    expect(exported.position).toBe(await logHead());
    expect(exported.messages).toBeGreaterThanOrEqual(8);
  });

  it('answers what a filter finds, deleted ones when it asks for them, and refuses one that is none', async () => {
    const found = async (filter: Parameters<typeof exportAll>[1]) =>
      (await exportAll(test.client.raw, filter)).customers.map(({ email }) => email).sort();
    expect(await found({ email: { starts_with: 'row-60' } })).toEqual(
      ['row-60', ...Array.from({ length: 10 }, (_, n) => `row-60${n}`)].map((name) => `${name}@example.com`).sort(),
    );
    expect(await found({ deleted: CustomerFilter_Deleted.DELETED_ONLY })).toEqual(['row-5@example.com']);
    await expect(found({ ids: ['x'] })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it('keeps messages of customers with the largest metadata below 4 MiB', async () => {
    const numbers = Array.from({ length: 8_000 }, () => 1);
    await importAll(
      test.client.raw,
      Array.from({ length: 50 }, (_, n) => ({ customer: { email: `large-${n}@example.com`, metadata: { numbers } } })),
    );
    const { customers } = await exportAll(test.client.raw);
    expect(customers.filter(({ email }) => email.startsWith('large'))).toHaveLength(50);
  });

  it('misses nobody who is changed while it runs: what a row does not contain has a higher position', async () => {
    await sequenced();
    const before = Number(await logHead());
    const run = { isDone: false };
    const changing = (async () => {
      const revisions = new Map<string, number>();
      const ids = (await test.database.query<{ id: string }>('select id from customers where deleted_at is null')).map(
        ({ id }) => id,
      );
      for (let n = 0; !run.isDone || n < 20; n += 1) {
        const id = ids[(n * 7) % ids.length]!;
        const { customer } = await test.client.call('updateCustomer', { id, first_name: `Name ${n}` });
        revisions.set(id, customer!.revision);
      }
      return revisions;
    })();
    const { customers, position } = await exportAll(test.client.raw);
    run.isDone = true;
    await changing;
    await sequenced();
    expect(Number(position)).toBeGreaterThanOrEqual(before);
    const exported = new Map(customers.map(({ id, revision }) => [id, revision]));
    const tail = await test.database.query<{ aggregate_id: string; revision: number }>(
      'select aggregate_id, revision from customer_events where position > $1 order by position',
      [position],
    );
    for (const { aggregate_id, revision } of tail) {
      const held = exported.get(aggregate_id)!;
      if (revision <= held) continue;
      expect(revision).toBe(held + 1);
      exported.set(aggregate_id, revision);
    }
    const current = await test.database.query<{ id: string; revision: number }>(
      'select id, revision from customers where deleted_at is null',
    );
    expect([...exported].sort()).toEqual(current.map(({ id, revision }) => [id, revision]).sort());
  });

  it('stops its work in the database when the caller cancels', async () => {
    const waiting = async () => {
      // What a transaction has seen of the activity it sees again.
      await test.database.query('select pg_stat_clear_snapshot()');
      const rows = await test.database.query(
        `select 1 from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query like 'select%from customers%'`,
      );
      return rows.length;
    };
    await test.database.query('begin');
    try {
      await test.database.query('lock table customers in access exclusive mode');
      const stream = test.client.raw.exportCustomers({ filter: undefined });
      const ended = collect<ExportCustomersResponse>(stream);
      await until(async () => (await waiting()) === 1);
      const cancelledAt = Date.now();
      stream.cancel();
      expect(await ended).toMatchObject({ messages: [], error: { code: status.CANCELLED } });
      await until(async () => (await waiting()) === 0);
      // Nobody waits longer than 5 s for a lock.
      expect(Date.now() - cancelledAt).toBeLessThan(4_000);
      await delay(200);
      expect(await waiting()).toBe(0);
    } finally {
      await test.database.query('rollback');
    }
  });

  it('stops when the caller cancels', async () => {
    const stream = test.client.raw.exportCustomers({ filter: undefined });
    const ended = collect<ExportCustomersResponse>(stream);
    await new Promise((resolve) => stream.once('data', resolve));
    stream.cancel();
    expect((await ended).error?.code).toBe(status.CANCELLED);
    expect(test.logs.some((line) => line.includes('a call failed'))).toBe(false);
  });
});
