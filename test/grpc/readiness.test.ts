import { mkdtempSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { startPostgres, type Postgres } from '../../dev/postgres';
import { freePort } from '../../dev/run';
import { migrate } from '../../src/db/migrate';
import { HealthCheckResponse_ServingStatus as ServingStatus, HealthClient } from '../../src/gen/grpc/health/v1/health';
import { connect, type TestClient } from '../support/client';
import { startTestProcess, type TestProcess } from '../support/process';
import { until } from '../support/until';

let dir: string;
let port: number;
let postgres: Postgres;
let service: TestProcess;
let client: TestClient;
let health: HealthClient;

const startOwnPostgres = () =>
  startPostgres({ dataDir: join(dir, 'postgres'), port, settings: ['fsync=off'], say: () => undefined });

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'customer-service-readiness-'));
  chmodSync(dir, 0o755);
  port = await freePort();
  postgres = await startOwnPostgres();
  await migrate(postgres.url);
  service = await startTestProcess(postgres);
  client = connect(service.port);
  health = new HealthClient(`127.0.0.1:${service.port}`, credentials.createInsecure());
}, 60_000);
afterAll(async () => {
  health.close();
  client.close();
  await service.stop();
  await postgres.stop();
  rmSync(dir, { recursive: true, force: true });
});

const probe = (path: string): Promise<number> =>
  fetch(`http://127.0.0.1:${service.httpPort}${path}`).then(({ status }) => status);

const checked = (service: string): Promise<ServingStatus> =>
  new Promise((resolve, reject) =>
    health.check({ service }, (error, response) => (error === null ? resolve(response.status) : reject(error))),
  );

it('is not ready while the database is away, answers UNAVAILABLE, and comes back by itself', async () => {
  const told: string[] = [];
  const watcher = health.watch({ service: 'customer.v1.CustomerService' });
  watcher.on('data', ({ status }: { readonly status: ServingStatus }) => told.push(ServingStatus[status]));
  watcher.on('error', () => undefined);
  const { customer } = await client.call('createCustomer', { email: 'before@example.com' });
  expect(await probe('/readyz')).toBe(200);

  await postgres.stop();
  await until(async () => (await probe('/readyz')) === 503);
  expect(await checked('')).toBe(ServingStatus.NOT_SERVING);
  expect(await probe('/livez')).toBe(200);
  expect(await probe('/metrics')).toBe(200);
  for (const call of [
    client.call('getCustomer', { id: customer!.id }),
    client.call('createCustomer', { email: 'meanwhile@example.com' }),
  ]) {
    expect(await client.refusal(call)).toMatchObject({ reason: 'DATABASE_UNAVAILABLE', retries: true });
  }

  postgres = await startOwnPostgres();
  await until(async () => (await probe('/readyz')) === 200);
  expect(await checked('customer.v1.CustomerService')).toBe(ServingStatus.SERVING);
  expect(await client.call('getCustomer', { id: customer!.id })).toEqual({ customer });
  await client.call('createCustomer', { email: 'meanwhile@example.com' });
  expect(told).toEqual(['SERVING', 'NOT_SERVING', 'SERVING']);
  watcher.cancel();
}, 60_000);
