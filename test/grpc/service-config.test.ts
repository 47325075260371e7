import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type TestClient } from '../support/client';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { startTestService, type TestService } from '../support/service';

const CONFIG = readFileSync('proto/customer/v1/customer_grpc_service_config.json', 'utf8');
const CALLERS = 16;

let database: TestDatabase;
let services: TestService[];
let client: TestClient;

const start = (env: Readonly<Record<string, string>> = {}) =>
  startTestService({ database, env: { RELAY: 'off', ...env } });

describe('a client with our service config', () => {
  beforeAll(async () => {
    database = await createTestDatabase();
    services = [await start(), await start()];
    const addresses = services.map(({ service }) => `127.0.0.1:${service.port}`);
    client = connect(`ipv4:${addresses.join(',')}`, { 'grpc.service_config': CONFIG });
  });
  afterAll(async () => {
    client.close();
    for (const service of services) await service.stop();
    await database.drop();
  });

  it('sees no failure while two instances are stopped and started again, one after the other, and lose their database', async () => {
    let isOver = false;
    let created = 0;
    const failures: unknown[] = [];
    const caller = async (): Promise<void> => {
      while (!isOver) {
        const request = { email: `${randomUUID()}@example.com`, request_id: randomUUID() };
        await client
          .call('createCustomer', request, { deadlineMs: 5_000 })
          .then(({ customer }) => client.call('getCustomer', { id: customer!.id }, { deadlineMs: 5_000 }))
          .then(
            () => (created += 1),
            (refusal: unknown) => failures.push(refusal),
          );
      }
    };
    const load = Array.from({ length: CALLERS }, caller);
    for (const [index, one] of [...services.entries()]) {
      await delay(500);
      await one.stop();
      await delay(500);
      services[index] = await start({ PORT: String(one.service.port) });
    }
    for (let times = 0; times < 5; times += 1) {
      await delay(200);
      await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'customer-service'`,
      );
    }
    await delay(500);
    isOver = true;
    await Promise.all(load);
    expect(failures).toEqual([]);
    expect(await database.query('select count(*)::int as created from customers')).toEqual([{ created }]);
  }, 30_000);
});
