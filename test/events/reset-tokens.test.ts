import { decode } from 'jsonwebtoken';
import { eventsOf } from '../support/events';
import { consumeUntil, describeKafka } from '../support/kafka';
import { startTestService, type TestService } from '../support/service';

let test: TestService;
const topic = (name: string) => `${test.env['KAFKA_TOPIC_PREFIX']}${name}`;

const registered = async (email: string): Promise<string> => {
  const { customer } = await test.client.call('createCustomer', { email, password: 'the first one' });
  return customer!.id;
};

describeKafka('reset tokens in Kafka', () => {
  beforeAll(async () => (test = await startTestService({ kafka: true, env: { RELAY: 'off', KAFKA_PARTITIONS: '1' } })));
  afterAll(() => test.stop());

  it('go to the topic of the mailer alone, and only those that are good when they are published', async () => {
    const ids = {
      good: await registered('good@example.com'),
      changed: await registered('changed@example.com'),
      deleted: await registered('deleted@example.com'),
      erased: await registered('erased@example.com'),
      expired: await registered('expired@example.com'),
      last: await registered('last@example.com'),
    };
    const tokens: Record<string, string> = {};
    for (const [name, customer_id] of Object.entries(ids)) {
      ({ token: tokens[name] } = await test.client.call('generateResetPasswordToken', { customer_id }));
    }
    await test.client.call('resetPassword', { token: tokens['changed']!, password: 'the second one' });
    await test.client.call('deleteCustomer', { id: ids.deleted });
    await test.client.call('eraseCustomer', { id: ids.erased });
    await test.database.query(
      `update customer_outbox set data = (data::jsonb || '{"expires_at": "2026-01-01T00:00:00.000Z"}')::json
        where aggregate_id = $1 and type = 'customer.password_reset'`,
      [ids.expired],
    );
    const relaying = await startTestService({ database: test.database, env: { ...test.env, RELAY: 'on' } });
    try {
      const published = await consumeUntil(topic('customer.password-resets'), (all) =>
        all.some(({ key }) => key === ids.last),
      );
      expect(published.map(({ key }) => key)).toEqual([ids.good, ids.last]);
      const total = (await eventsOf(test.database)).length;
      const told = await consumeUntil(topic('customer.events'), (all) => all.length === total);
      for (const message of published) {
        const { token, ...event } = JSON.parse(message.value!) as { token: string; expires_at: string };
        const name = message.key === ids.good ? 'good' : 'last';
        expect(token).toBe(tokens[name]);
        expect(decode(token)).toEqual({
          customer_id: ids[name],
          iat: Date.parse(event.expires_at) / 1_000 - 900,
          exp: Date.parse(event.expires_at) / 1_000,
        });
        const same = told.find(({ headers }) => headers['ce_id'] === message.headers['ce_id']);
        expect(message.headers).toEqual(same?.headers);
        expect(event).toEqual(JSON.parse(same!.value!));
      }
      const states = await consumeUntil(topic('customer.state'), (all) => all.some(({ key }) => key === ids.last));
      const elsewhere = JSON.stringify([told, states, await eventsOf(test.database), relaying.logs]);
      for (const token of Object.values(tokens)) expect(elsewhere).not.toContain(token);
      const reset = await test.client.call('resetPassword', { token: tokens['good']!, password: 'the second one' });
      expect(reset.customer?.id).toBe(ids.good);
    } finally {
      await relaying.stop();
    }
  });
});
