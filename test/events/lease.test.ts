import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { createLease } from '../../src/events/lease';
import { createTestDatabase, createTestPool, type TestDatabase } from '../support/database';

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createTestPool(database.url);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

describe('a lease', () => {
  it('is held by one; the next gains it when it runs out, and then the former cannot move the cursor', async () => {
    const [one, two] = [createLease(pool, 'kafka', 'one'), createLease(pool, 'kafka', 'two')];
    expect(await one.hold()).toMatchObject({ leading: true, gained: true, position: 0 });
    expect(await two.hold()).toMatchObject({ leading: false });
    expect(await one.moveTo(5, 'quick')).toBe(true);
    await delay(2_050);
    expect(one.isHeld()).toBe(false);
    expect(await two.hold()).toMatchObject({ leading: true, gained: true, position: 5 });
    expect(await one.moveTo(6, 'quick')).toBe(false);
    expect(await two.moveTo(7, 'quick')).toBe(true);
    await two.release();
    expect(await one.hold()).toMatchObject({ leading: true, gained: true, position: 7 });
  });

  it('is taken over the moment it ends, by whoever asks shortly before', async () => {
    const [one, two] = [createLease(pool, 'kafka-state', 'one'), createLease(pool, 'kafka-state', 'two')];
    await one.hold();
    expect(await two.hold()).toMatchObject({ leading: false });
    await delay(1_500);
    expect(await two.hold()).toMatchObject({ leading: true, gained: true });
    expect(one.isHeld()).toBe(false);
    expect(await one.renew()).toBe(false);
  });
});
