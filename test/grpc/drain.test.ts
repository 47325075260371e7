import { credentials, status, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import {
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthClient,
  type HealthCheckResponse,
} from '../../src/gen/grpc/health/v1/health';
import { connect, type Refusal } from '../support/client';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { startTestProcess } from '../support/process';
import { until } from '../support/until';

let database: TestDatabase;
beforeAll(async () => (database = await createTestDatabase()));
afterAll(() => database.drop());

const readiness = (httpPort: number): Promise<number> =>
  fetch(`http://127.0.0.1:${httpPort}/readyz`).then(({ status: code }) => code);

/** What a stream tells until it ends, and how it ends. */
const follow = (stream: ClientReadableStream<HealthCheckResponse>) => {
  const told: string[] = [];
  const ended = new Promise<ServiceError | undefined>((resolve) => {
    stream.on('error', (error: ServiceError) => resolve(error));
    stream.on('end', () => resolve(undefined));
  });
  stream.on('data', (response: HealthCheckResponse) => told.push(ServingStatus[response.status]));
  return { told, ended };
};

/** Keeps a customer's row as a psql session would. */
const holdRow = async (id: string): Promise<Client> => {
  const psql = new Client({ connectionString: database.url });
  psql.on('error', () => undefined);
  await psql.connect();
  await psql.query('begin');
  await psql.query('select 1 from customers where id = $1 for update', [id]);
  return psql;
};

const lockWaits = async (): Promise<number> => {
  const waits = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return (await database.query(waits)).length;
};

describe('SIGTERM', () => {
  it('fails no call that reached a handler, ends watchers, and exits 0', async () => {
    const service = await startTestProcess(database, { SHUTDOWN_DELAY_MS: '500' });
    const client = connect(service.port);
    const health = new HealthClient(`127.0.0.1:${service.port}`, credentials.createInsecure());
    const watcher = follow(health.watch({ service: '' }));
    const { customer } = await client.call('createCustomer', { email: 'held@example.com' });
    const psql = await holdRow(customer!.id);
    const held = client.call('updateCustomer', { id: customer!.id, first_name: 'Late' }, { deadlineMs: 20_000 });

    const acknowledged: string[] = [];
    const refused: Refusal[] = [];
    let next = 0;
    const caller = async (): Promise<void> => {
      while (refused.length < 200) {
        const email = `drain-${next++}@example.com`;
        await client.call('createCustomer', { email }).then(
          () => acknowledged.push(email),
          (refusal: unknown) => refused.push(refusal as Refusal),
        );
      }
    };
    const callers = Array.from({ length: 16 }, caller);
    await until(async () => acknowledged.length > 100);

    const exit = service.end('SIGTERM');
    await until(async () => (await readiness(service.httpPort)) === 503);
    const before = acknowledged.length;
    await delay(250);
    expect(acknowledged.length).toBeGreaterThan(before);
    setTimeout(() => void psql.query('rollback').then(() => psql.end()), 1_500);

    expect((await held).customer).toMatchObject({ first_name: 'Late', revision: 2 });
    await Promise.all(callers);
    expect(await exit).toBe(0);
    expect(watcher.told).toEqual(['SERVING', 'NOT_SERVING']);
    expect(await watcher.ended).toMatchObject({ code: status.UNAVAILABLE });
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['UNAVAILABLE']));
    expect(service.logs.filter(({ msg, code }) => msg === 'call' && code !== 'OK')).toEqual([]);
    const rows = await database.query<{ email: string }>('select email from customers');
    expect(new Set(rows.map(({ email }) => email))).toEqual(new Set(['held@example.com', ...acknowledged]));
    health.close();
    client.close();
  }, 60_000);

  it('ends calls that outlast SHUTDOWN_GRACE_MS, and still exits 0', async () => {
    const service = await startTestProcess(database, { SHUTDOWN_GRACE_MS: '300' });
    const client = connect(service.port);
    const { customer } = await client.call('createCustomer', { email: 'outlasts@example.com' });
    const psql = await holdRow(customer!.id);
    const outlasting = client.refusal(
      client.call('updateCustomer', { id: customer!.id, first_name: 'Never' }, { deadlineMs: 300_000 }),
    );
    await until(async () => (await lockWaits()) > 0);
    expect(await service.end('SIGTERM')).toBe(0);
    expect((await outlasting).code).toBe('CANCELLED');
    const said = service.logs.map(({ msg }) => msg);
    expect(said).toContain('calls were still running after SHUTDOWN_GRACE_MS, ending them');
    await psql.end();
    client.close();
    // The row is waited for for 30 s: with less patience than that the process must have ended by itself.
  }, 25_000);

  it('exits 1 at once when it comes twice', async () => {
    const service = await startTestProcess(database, { SHUTDOWN_DELAY_MS: '60000' });
    void service.end('SIGTERM');
    await until(async () => service.logs.some(({ msg }) => msg === 'stopping'));
    expect(await service.end('SIGTERM')).toBe(1);
  }, 60_000);
});
