import { ConfigResourceTypes } from 'kafkajs';
import { runCommand } from '../support/command';
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

  beforeAll(async () => {
    const configEntries = [{ name: 'max.message.bytes', value: '8000' }];
    await admin((client) =>
      client.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 3, configEntries }] }),
    );
    test = await startTestService({ kafka: true, env: { KAFKA_TOPIC_PREFIX: prefix } });
  });
  afterAll(() => test.stop());

  const create = async (name: string, text = '') => {
    const request = { email: `${name}@example.com`, metadata: { text } };
    const { customer } = await test.client.call('createCustomer', request);
    return customer!.id;
  };
  /** The command, as from a shell: its exit code and the fields of each line it says. */
  const deadLetters = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCommand('src/bin/dead-letters.ts', args, '', test.env);
    const lines = stdout.split('\n').filter((line) => line !== '');
    return { code, lines: lines.map((line) => line.split('  ')), stderr };
  };
  const parkedAt = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  const NONE = { code: 0, lines: [], stderr: '' };

  it('is set aside with its reason while all others go on; sent again once the topic takes it', async () => {
    for (let n = 0; n < 5; n += 1) await create(`before-${n}`);
    const large = await create('large', 'x'.repeat(12_000));
    for (let n = 0; n < 5; n += 1) await create(`after-${n}`);
    const others = await consumeUntil(topic, (all) => new Set(all.map(({ key }) => key)).size === 10);
    expect(others.map(({ key }) => key)).not.toContain(large);
    await until(async () => (await test.database.query('select 1 from event_dead_letters')).length === 1);
    const letter = ['kafka', '6', large, 'MESSAGE_TOO_LARGE', parkedAt];
    expect(await deadLetters('list')).toEqual({ code: 0, lines: [letter], stderr: '' });
    const { sinks } = await test.client.call('getStreamStatus', {});
    expect(sinks.find(({ name }) => name === 'kafka')?.dead_letters).toBe(1);
    expect(test.logs.some((line) => line.includes('too small max.message.bytes') && line.includes(topic))).toBe(true);

    expect(await deadLetters('resend')).toEqual({
      code: 1,
      lines: [[...letter, 'refused again: raise max.message.bytes of the topic first']],
      stderr: '',
    });
    const configEntries = [{ name: 'max.message.bytes', value: '1048588' }];
    await admin((client) =>
      client.alterConfigs({
        validateOnly: false,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
      }),
    );
    let resent = await deadLetters('resend');
    // The broker takes a moment to heed its new setting.
    while (resent.code === 1) resent = await deadLetters('resend');
    expect(resent).toEqual({ code: 0, lines: [[...letter, 'sent']], stderr: '' });
    expect(await deadLetters('list')).toEqual(NONE);
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
    await test.database.query(
      `insert into event_dead_letters (sink, position, aggregate_id, reason)
       select 'kafka-state', position, aggregate_id, 'MESSAGE_TOO_LARGE' from customer_events where aggregate_id = $1`,
      [id],
    );
    const letter = ['kafka-state', expect.any(String), id, 'MESSAGE_TOO_LARGE', parkedAt];
    const waiting = [...letter, 'a state: published with the next change of this customer'];
    expect(await deadLetters('resend')).toEqual({ code: 0, lines: [waiting], stderr: '' });
    await test.client.call('updateCustomer', { id, first_name: 'Later' });
    await until(async () =>
      (await test.client.call('getStreamStatus', {})).sinks.every(({ pending }) => pending === '0'),
    );
    const superseded = [...letter, 'a later state of this customer is published; forgotten'];
    expect(await deadLetters('resend')).toEqual({ code: 0, lines: [superseded], stderr: '' });
    expect(await deadLetters('list')).toEqual(NONE);
  });

  it('cannot be sent again without Kafka, nor asked for with anything but list or resend', async () => {
    const ran = await runCommand('src/bin/dead-letters.ts', ['resend'], '', { ...test.env, KAFKA_BROKERS: '' });
    expect(ran).toEqual({ code: 1, stdout: '', stderr: 'KAFKA_BROKERS is required\n' });
    expect(await deadLetters()).toMatchObject({ code: 2, stderr: expect.stringContaining('usage: dead-letters') });
  });
});
