import { ConfigResourceTypes } from 'kafkajs';
import { Pool } from 'pg';
import { pino } from 'pino';
import { readConfig } from '../../src/config';
import { listDeadLetters, resendDeadLetters } from '../../src/events/dead-letters';
import { createKafka } from '../../src/events/kafka';
import { eventMessages } from '../../src/events/sinks';
import { consumeUntil, describeKafka, testKafka } from '../support/kafka';
import { startTestService, type TestService } from '../support/service';
import { until } from '../support/until';

const admin = async <Result>(work: (admin: ReturnType<ReturnType<typeof testKafka>['admin']>) => Promise<Result>) => {
  const client = testKafka().admin();
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.disconnect();
  }
};

describeKafka('an event that a topic does not take', () => {
  const prefix = `dead-${Date.now()}.`;
  const topic = `${prefix}customer.events`;
  let test: TestService;
  let pool: Pool;

  beforeAll(async () => {
    const configEntries = [{ name: 'max.message.bytes', value: '8000' }];
    await admin((client) =>
      client.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 3, configEntries }] }),
    );
    test = await startTestService({ kafka: true, env: { KAFKA_TOPIC_PREFIX: prefix } });
    pool = new Pool({ connectionString: test.database.url });
  });
  afterAll(async () => {
    await pool.end();
    await test.stop();
  });

  const create = async (name: string, text = '') => {
    const request = { email: `${name}@example.com`, metadata: { text } };
    const { customer } = await test.client.call('createCustomer', request);
    return customer!.id;
  };
  const resend = async () => {
    const config = readConfig(test.env);
    const producer = createKafka(config.kafka!, pino({ level: 'silent' })).plainProducer();
    const messagesAgain = eventMessages(config.kafka!, config.eventSource);
    const resent = await resendDeadLetters({ pool, producer, messagesAgain });
    await producer.discard();
    return resent.map(({ letter, outcome }) => ({ id: letter.aggregate_id, outcome }));
  };

  it('is set aside with its reason while all others go on; sent again once the topic takes it', async () => {
    for (let n = 0; n < 5; n += 1) await create(`before-${n}`);
    const large = await create('large', 'x'.repeat(12_000));
    for (let n = 0; n < 5; n += 1) await create(`after-${n}`);
    const others = await consumeUntil(topic, (all) => new Set(all.map(({ key }) => key)).size === 10);
    expect(others.map(({ key }) => key)).not.toContain(large);
    await until(async () => (await listDeadLetters(pool)).length === 1);
    expect(await listDeadLetters(pool)).toMatchObject([
      { sink: 'kafka', position: '6', aggregate_id: large, reason: 'MESSAGE_TOO_LARGE' },
    ]);
    const { sinks } = await test.client.call('getStreamStatus', {});
    expect(sinks.find(({ name }) => name === 'kafka')?.dead_letters).toBe(1);
    expect(test.logs.some((line) => line.includes('too small max.message.bytes') && line.includes(topic))).toBe(true);

    expect(await resend()).toEqual([{ id: large, outcome: 'refused' }]);
    const configEntries = [{ name: 'max.message.bytes', value: '1048588' }];
    await admin((client) =>
      client.alterConfigs({
        validateOnly: false,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
      }),
    );
    await until(async () => (await resend())[0]?.outcome !== 'refused');
    expect(await listDeadLetters(pool)).toEqual([]);
    const received = await consumeUntil(topic, (all) => all.some(({ key }) => key === large));
    const again = received.find(({ key }) => key === large);
    expect(again?.headers).toMatchObject({
      ce_position: '6',
      ce_revision: '1',
      ce_replay: expect.stringMatching(/^rpl_/),
    });
  });

  it('is forgotten as a state once a later one is published, and never sent late', async () => {
    const id = await create('state');
    await test.client.call('getEvent', { aggregate_id: id, revision: 1 });
    await pool.query(
      `insert into event_dead_letters (sink, position, aggregate_id, reason)
       select 'kafka-state', position, aggregate_id, 'MESSAGE_TOO_LARGE' from customer_events where aggregate_id = $1`,
      [id],
    );
    expect(await resend()).toEqual([{ id, outcome: 'waiting' }]);
    await test.client.call('updateCustomer', { id, first_name: 'Later' });
    await until(async () => (await resend())[0]?.outcome !== 'waiting');
    expect(await listDeadLetters(pool)).toEqual([]);
  });
});
