import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import bcrypt from 'bcrypt';
import type { Refusal } from '../../support/client';
import { eventsOf } from '../../support/events';
import { watchHashing } from '../../support/hashing';
import { startTestService, type TestService } from '../../support/service';

const MAX_FAILURES = 3;

let test: TestService;
beforeAll(async () => (test = await startTestService({ env: { LOGIN_MAX_FAILURES: String(MAX_FAILURES) } })));
afterAll(() => test.stop());

/** Made by the npm package scrypt-kdf, as the seed's platform does. */
const SCRYPT = {
  hash: 'c2NyeXB0AAEAAAABAAAAAe8VB4e3W3qv+BRDjLwGdhvYzz7q83+/clEAYnygIV1Dvs1PjqJd2VVDZa82IsNDTHPU0HltCtTqNeo2lwNXY9FD0uR0ClG7Uoc7qXcregrI',
  password: 'medusa password',
};

const PASSWORD = 'the right one';
let count = 0;
const registered = async (): Promise<{ id: string; email: string }> => {
  const email = `login-${(count += 1)}@example.com`;
  const { customer } = await test.client.call('createCustomer', { email, password: PASSWORD });
  return { id: customer!.id, email };
};
const login = (email: string, password: string, source = '') =>
  test.client.call('authenticateCustomer', { email, password, source });
const NO = { authenticated: false, customer: undefined, retry_after: undefined };
const LOCKED = { ...NO, retry_after: { seconds: 60, nanos: 0 } };

const failUntilLocked = async (email: string, source = ''): Promise<void> => {
  for (let n = 1; n < MAX_FAILURES; n += 1) expect(await login(email, 'wrong', source)).toEqual(NO);
  expect(await login(email, 'wrong', source)).toEqual(LOCKED);
};

const hashOf = async (id: string): Promise<string> => {
  const [row] = await test.database.query<{ password_hash: string }>(
    'select password_hash from customers where id = $1',
    [id],
  );
  return row!.password_hash;
};

/** The events of a customer once there are so many: a lock is told of in the background. */
const typesOnce = async (id: string, many: number): Promise<string[]> => {
  for (;;) {
    const events = await eventsOf(test.database, id);
    if (events.length >= many) return events.map(({ type }) => type);
    await delay(10);
  }
};

describe('AuthenticateCustomer', () => {
  it('answers the registered customer for the right password, however the e-mail is written, and changes nothing', async () => {
    const { id, email } = await registered();
    await test.client.call('createCustomer', { email });
    const { customer } = await test.client.call('getCustomer', { id });
    expect(await login(` ${email.toUpperCase()} `, PASSWORD)).toEqual({ ...NO, authenticated: true, customer });
    expect(await eventsOf(test.database, id)).toHaveLength(1);
  });

  it('answers alike for a wrong password, an unknown e-mail, a guest, a deleted customer and a password that is too long', async () => {
    const { email } = await registered();
    const guest = 'guest-login@example.com';
    await test.client.call('createCustomer', { email: guest });
    const deleted = await registered();
    await test.client.call('deleteCustomer', { id: deleted.id });
    const long = 'x'.repeat(72);
    const { customer } = await test.client.call('createCustomer', { email: 'long@example.com', password: long });
    expect(await login('long@example.com', long)).toMatchObject({ customer: { id: customer!.id } });
    for (const [who, password] of [
      [email, 'wrong'],
      ['nobody@example.com', PASSWORD],
      [guest, PASSWORD],
      [deleted.email, PASSWORD],
      ['long@example.com', `${long}x`],
      ['long@example.com', 'x'.repeat(100_000)],
    ] as const) {
      expect(await login(who, password)).toEqual(NO);
    }
  });

  it('compares one hash of the configured cost for each of them', async () => {
    const { email } = await registered();
    const watch = watchHashing();
    const costs = async (who: string, password: string): Promise<number[]> => {
      watch.run.mockClear();
      await login(who, password);
      return watch.comparedWith().map(bcrypt.getRounds);
    };
    const guest = 'guest-work@example.com';
    await test.client.call('createCustomer', { email: guest });
    for (const who of [email, guest, 'nobody-at-work@example.com']) expect(await costs(who, 'wrong')).toEqual([4]);
    expect(await costs(email, 'x'.repeat(73))).toEqual([4]);
    watch.restore();
  });

  it.each(['a registered', 'an unknown'])(
    'locks %s e-mail for a source that failed too often, whatever the password',
    async (kind) => {
      const email = kind === 'a registered' ? (await registered()).email : 'nobody-locked@example.com';
      await failUntilLocked(email, 'a');
      const locked = await login(email, PASSWORD, 'a');
      expect(locked).toMatchObject({ authenticated: false, customer: undefined });
      expect(locked.retry_after!.seconds).toBeGreaterThan(50);
      expect((await login(email, PASSWORD, 'b')).authenticated).toBe(kind === 'a registered');
    },
  );

  it('lets the right password in after one failure less, and then counts anew', async () => {
    const { email } = await registered();
    for (let round = 0; round < 2; round += 1) {
      for (let n = 1; n < MAX_FAILURES; n += 1) expect(await login(email, 'wrong')).toEqual(NO);
      expect((await login(email, PASSWORD)).authenticated).toBe(true);
    }
  });

  it('opens every lock of the e-mail once a login from elsewhere succeeds', async () => {
    const { email } = await registered();
    await failUntilLocked(email, 'a');
    await login(email, PASSWORD, 'b');
    expect((await login(email, PASSWORD, 'a')).authenticated).toBe(true);
  });

  it('records one event when a registered customer is locked, and moves updated_at not', async () => {
    const { id, email } = await registered();
    const before = await test.client.call('getCustomer', { id });
    await failUntilLocked(email, 'a');
    expect(await typesOnce(id, 2)).toEqual(['customer.created', 'customer.locked']);
    await login(email, 'wrong', 'a');
    const [, event] = await eventsOf(test.database, id);
    expect(event?.data).toMatchObject({ retry_after: '60s', changed_fields: [], customer: { revision: 2 } });
    expect((await test.client.call('getCustomer', { id })).customer).toEqual({ ...before.customer, revision: 2 });
    await failUntilLocked(email, 'b');
    expect(await typesOnce(id, 3)).toEqual(['customer.created', 'customer.locked', 'customer.locked']);
  });

  it('compares no more of a burst than may fail, and tells of one lock', async () => {
    const { id, email } = await registered();
    const watch = watchHashing();
    const answers = await Promise.all(Array.from({ length: 100 }, () => login(email, 'wrong', 'burst')));
    expect(watch.comparedWith()).toHaveLength(MAX_FAILURES);
    watch.restore();
    expect(answers.filter(({ authenticated }) => authenticated)).toEqual([]);
    expect(answers.filter(({ retry_after }) => retry_after !== undefined).length).toBeGreaterThanOrEqual(
      100 - MAX_FAILURES,
    );
    expect(await typesOnce(id, 2)).toEqual(['customer.created', 'customer.locked']);
    expect((await login(email, PASSWORD, 'elsewhere')).authenticated).toBe(true);
  });

  it.each([
    ['bcrypt of another cost', bcrypt.hashSync(PASSWORD, 5), PASSWORD],
    ['bcrypt as PHP writes it', bcrypt.hashSync(PASSWORD, 4).replace('$2b$', '$2y$'), PASSWORD],
    ['scrypt-kdf', SCRYPT.hash, SCRYPT.password],
  ])('hashes the password anew after a hash of %s: no event, no revision', async (_, hash, password) => {
    const { id, email } = await registered();
    await test.database.query('update customers set password_hash = $2 where id = $1', [id, hash]);
    expect(await login(email, 'wrong')).toEqual(NO);
    expect(await hashOf(id)).toBe(hash);
    expect(await login(email, password)).toMatchObject({ authenticated: true, customer: { id, revision: 1 } });
    const anew = await hashOf(id);
    expect(anew).toMatch(/^\$2b\$04\$/);
    expect((await login(email, password)).authenticated).toBe(true);
    expect(await hashOf(id)).toBe(anew);
    expect(await eventsOf(test.database, id)).toHaveLength(1);
    const [row] = await test.database.query('select revision, password_revision from customers where id = $1', [id]);
    expect(row).toEqual({ revision: 1, password_revision: 1 });
  });

  it('refuses what is no e-mail, no password, and U+0000, and counts nothing', async () => {
    const call = test.client.call('authenticateCustomer', { email: 'x', password: '', source: 'a\0' });
    expect(await test.client.refusal(call)).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: ['email', 'password', 'source'],
    });
    expect(await test.client.refusal(login('nul@example.com', 'pass\0word'))).toMatchObject({ fields: ['password'] });
  });
});

describe('AuthenticateCustomer, where passwords take long', () => {
  const attempt = (name: string, deadlineMs: number): Promise<string> =>
    test.client.call('authenticateCustomer', { email: `${name}@slow.example.com`, password: 'x' }, { deadlineMs }).then(
      () => 'OK',
      (refusal: unknown) => (refusal as Refusal).reason ?? (refusal as Refusal).code,
    );
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await delay(5);
  };
  const stats = () => test.service.context.passwords.stats();
  const counted = async (): Promise<number> => {
    const rows = await test.database.query('select 1 from login_counters where key = email_key and failures > 0');
    return rows.length;
  };

  it('refuses at once what finds the queue full, counts only what is compared, and leaves reads alone', async () => {
    const { id } = await registered();
    await test.database.query('delete from login_counters');
    let finish: (isSame: boolean) => void = () => undefined;
    const outcome = new Promise<boolean>((resolve) => (finish = resolve));
    const watch = watchHashing();
    watch.run.mockImplementation(() => outcome);
    try {
      const running = attempt('running', 60_000);
      await until(() => stats().running === 1);
      const atOnce = Math.max(1, availableParallelism() - 1);
      const others = Array.from({ length: atOnce - 1 }, (_, index) => attempt(`running-${index}`, 60_000));
      await until(() => stats().running === atOnce);

      const late = await Promise.all(Array.from({ length: 10 }, (_, index) => attempt(`late-${index}`, 200)));
      expect(new Set(late)).toEqual(new Set(['DEADLINE_EXCEEDED']));
      for (let tries = 0; tries < 500 && (await counted()) > atOnce; tries += 1) await delay(10);
      expect(await counted()).toBe(atOnce);
      expect(stats()).toEqual({ running: atOnce, queued: 0 });

      const waiting = Array.from({ length: 100 }, (_, index) => attempt(`waiting-${index}`, 60_000));
      await until(() => stats().queued === 100);
      expect(await attempt('overloaded', 60_000)).toBe('OVERLOADED');
      expect((await test.client.call('getCustomer', { id })).customer?.id).toBe(id);

      finish(false);
      expect(new Set(await Promise.all([running, ...others, ...waiting]))).toEqual(new Set(['OK']));
      expect(watch.comparedWith()).toHaveLength(atOnce + 100);
      expect(await counted()).toBe(atOnce + 100);
    } finally {
      finish(false);
      watch.restore();
    }
  });
});
