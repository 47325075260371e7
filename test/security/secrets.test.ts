import { setTimeout as delay } from 'node:timers/promises';
import { eventsOf } from '../support/events';
import { consumeUntil, describeKafka } from '../support/kafka';
import { startTestService, type TestService } from '../support/service';
import { importAll } from '../support/streams';

let test: TestService;

const EMAIL = 'secrets@example.com';
const PASSWORDS = [
  'first secret password',
  'second secret password',
  'third secret password',
  'a wrong secret password',
  'a secret password of several',
  'a secret password of a row',
];
const [FIRST, SECOND, THIRD, WRONG, SEVERAL, ROW] = PASSWORDS as [string, string, string, string, string, string];
const IMPORTED = '$2b$04$abcdefghijklmnopqrstuuZDk9kSZ2dCO0yQFKrIV3pxOdtK0FW.G';

/** Every row of every table but the column that holds the hashes, readable. */
const everyRow = async (): Promise<string> => {
  const tables = await test.database.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public'`,
  );
  const rows: string[] = [];
  for (const { name } of tables) {
    const found = await test.database.query<{ row: Record<string, unknown> }>(
      `select (to_jsonb(t) - 'password_hash') as row from ${name} t`,
    );
    for (const { row } of found) {
      for (const value of Object.values(row)) {
        const isBytes = typeof value === 'string' && value.startsWith('\\x');
        rows.push(isBytes ? Buffer.from(value.slice(2), 'hex').toString('latin1') : JSON.stringify(value));
      }
    }
  }
  return rows.join('\n');
};

describeKafka('passwords, their hashes and reset tokens', () => {
  beforeAll(async () => {
    test = await startTestService({ kafka: true, env: { LOG_LEVEL: 'debug', LOGIN_MAX_FAILURES: '2' } });
  });
  afterAll(() => test.stop());

  it('are in no reply, row, message or log line, but for the token in its own reply and topic', async () => {
    const replies: string[] = [];
    const hashes = new Set<string>();
    const tokens: string[] = [];
    const called = async (call: Promise<object>): Promise<void> => {
      const answer = await call.catch((refusal: unknown) => refusal as object);
      if ('token' in answer && typeof answer.token === 'string') tokens.push(answer.token);
      replies.push(JSON.stringify({ ...answer, token: undefined }));
      const rows = await test.database.query<{ password_hash: string | null }>('select password_hash from customers');
      for (const { password_hash } of rows) if (password_hash !== null) hashes.add(password_hash);
    };
    const { call } = test.client;
    const created = await call('createCustomer', { email: EMAIL, password: FIRST, request_id: 'create' });
    const customer_id = created.customer!.id;
    await called(call('createCustomer', { email: EMAIL, password: FIRST, request_id: 'create' }));
    await called(call('createCustomer', { email: EMAIL, password: SECOND }));
    await called(call('createCustomer', { email: 'no e-mail', password: 'short' }));
    await called(call('updateCustomer', { id: customer_id, password: SECOND, first_name: 'A', request_id: 'update' }));
    const change = { customer_id, current_password: SECOND, new_password: THIRD, request_id: 'change' };
    await called(call('changePassword', { ...change, current_password: WRONG }));
    await called(call('changePassword', change));
    await called(call('changePassword', change));
    await called(call('authenticateCustomer', { email: EMAIL, password: THIRD, source: 's' }));
    for (let n = 0; n < 3; n += 1) await called(call('authenticateCustomer', { email: EMAIL, password: WRONG }));
    await called(call('generateResetPasswordToken', { customer_id, request_id: 'generate' }));
    await called(call('generateResetPasswordToken', { customer_id, request_id: 'generate' }));
    const resets = await consumeUntil(
      `${test.env['KAFKA_TOPIC_PREFIX']}customer.password-resets`,
      (all) => all.length > 0,
    );
    await called(call('resetPassword', { token: `${tokens[0]}x`, password: FIRST }));
    await called(call('resetPassword', { token: tokens[0]!, password: FIRST, request_id: 'reset' }));
    await called(call('resetPassword', { token: tokens[0]!, password: FIRST, request_id: 'reset' }));
    await called(call('getCustomer', { id: customer_id }));
    const operations = [
      { operation: { $case: 'create_customer' as const, value: { email: 'several@example.com', password: SEVERAL } } },
      { operation: { $case: 'update_customer' as const, value: { id: customer_id, expected_revision: 1 } } },
    ];
    await called(call('mutateCustomers', { operations }));
    await called(call('mutateCustomers', { operations: operations.slice(0, 1), request_id: 'several' }));
    const rows = [
      { customer: { email: 'row-1@example.com', password: ROW, request_id: 'row-1' } },
      { customer: { email: 'row-2@example.com', request_id: 'row-2' }, password_hash: IMPORTED },
      { customer: { email: 'row-3@example.com', password: ROW }, password_hash: IMPORTED },
      { customer: { email: 'row-4@example.com' }, password_hash: `${IMPORTED} ` },
    ];
    await called(importAll(test.client.raw, rows));

    let events = await eventsOf(test.database, customer_id);
    while (!events.some(({ type }) => type === 'customer.locked')) {
      await delay(10);
      events = await eventsOf(test.database, customer_id);
    }
    const topics = [];
    for (const name of ['customer.events', 'customer.state']) {
      topics.push(
        await consumeUntil(
          `${test.env['KAFKA_TOPIC_PREFIX']}${name}`,
          (all) =>
            all.some(({ headers }) => headers['ce_revision'] === String(events.length)) &&
            new Set(all.map(({ key }) => key)).size === 4,
        ),
      );
    }
    expect(events.map(({ type }) => type).sort()).toEqual([
      'customer.created',
      'customer.locked',
      'customer.password_changed',
      'customer.password_changed',
      'customer.password_changed',
      'customer.password_reset',
    ]);
    expect([hashes.size, tokens.length, tokens[0] === tokens[1]]).toEqual([7, 2, true]);
    expect(resets.map(({ value }) => (JSON.parse(value!) as { token: string }).token)).toEqual([tokens[0]]);

    const everywhere = { replies, rows: await everyRow(), topics, resets, logs: test.logs };
    for (const [place, contents] of Object.entries(everywhere)) {
      const text = typeof contents === 'string' ? contents : JSON.stringify(contents);
      expect(text.length).toBeGreaterThan(100);
      const secrets = [...PASSWORDS, ...hashes, ...(place === 'resets' ? [] : tokens)];
      expect({ place, found: secrets.filter((secret) => text.includes(secret)) }).toEqual({ place, found: [] });
    }
  });
});
