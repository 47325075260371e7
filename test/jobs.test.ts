import type { Knex } from 'knex';
import { createKnex } from '../src/db/knex';
import { jobsOf } from '../src/jobs';
import { startTestService, type TestService } from './support/service';

let test: TestService;
let knex: Knex;
beforeAll(async () => {
  // Without a relay nothing is done in the background.
  test = await startTestService({ env: { RELAY: 'off', IDEMPOTENCY_RETENTION_HOURS: '30' } });
  knex = createKnex({ url: test.database.url, poolSize: 1, statementNames: true });
});
afterAll(async () => {
  await knex.destroy();
  await test.stop();
});

/** Does one piece of a job; answers whether there may be more to do. */
const run = (name: string) =>
  jobsOf(knex, test.service.context.config)
    .find((job) => job.name === name)!
    .run();

it('kept answers are forgotten after IDEMPOTENCY_RETENTION_HOURS, not before', async () => {
  const create = (name: string) =>
    test.client.call('createCustomer', { email: `${name}@example.com`, request_id: name });
  const [young] = [await create('young'), await create('old')];
  for (const [name, age] of [
    ['young', '29 hours 59 minutes'],
    ['old', '30 hours 1 minute'],
  ]) {
    const sql = 'update idempotency_keys set created_at = now() - $2::interval where request_id = $1';
    await test.database.query(sql, [name, age]);
  }
  expect(await run('kept answers')).toBe(false);
  expect(await create('young')).toEqual(young);
  expect(await test.client.refusal(create('old'))).toMatchObject({ reason: 'GUEST_ALREADY_EXISTS' });
});

it('kept answers go a thousand at a time', async () => {
  await test.database.query(
    `insert into idempotency_keys (caller, request_id, request_hash, created_at)
     select 'many', n::text, '', now() - interval '31 hours' from generate_series(1, 1500) n`,
  );
  expect(await run('kept answers')).toBe(true);
  expect(await test.database.query(`select 1 from idempotency_keys where caller = 'many'`)).toHaveLength(500);
  expect(await run('kept answers')).toBe(false);
});

it('counts of failed logins are forgotten once nobody has touched them for two days', async () => {
  const fail = (name: string) =>
    test.client.call('authenticateCustomer', { email: `${name}@example.com`, password: 'wrong' });
  await fail('old');
  await test.database.query(`update login_counters set updated_at = now() - interval '49 hours'`);
  await fail('young');
  expect(await run('old counts of logins')).toBe(false);
  const ages = await test.database.query(`select updated_at > now() - interval '1 hour' as young from login_counters`);
  expect(ages).toEqual([{ young: true }, { young: true }]);
});
