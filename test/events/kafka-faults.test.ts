import { randomBytes } from 'node:crypto';
import { topicsOf } from '../../src/events/topics';
import { connect } from '../support/client';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { consumeUntil, describeKafka, testKafka } from '../support/kafka';
import { startTestProcess, type TestProcess } from '../support/process';
import { KAFKA_USER } from '../support/secured-kafka';
import { until } from '../support/until';

const kafka = { topicPrefix: `faults-${randomBytes(4).toString('hex')}.` };
const topic = `${kafka.topicPrefix}customer.events`;

/** Every topic, in one partition, as somebody makes them who has not read what an event can weigh. */
const createSmallTopics = async (): Promise<void> => {
  const admin = testKafka().admin();
  await admin.connect();
  const configEntries = [{ name: 'max.message.bytes', value: '8000' }];
  const topics = topicsOf(kafka).map(({ topic: name, settings }) => ({
    topic: name,
    configEntries: [
      ...Object.entries(settings).map(([setting, value]) => ({ name: setting, value })),
      ...(name === topic ? configEntries : []),
    ],
  }));
  await admin.createTopics({ waitForLeaders: true, topics });
  await admin.disconnect();
};

describeKafka('a Kafka behind TLS and passwords', () => {
  let database: TestDatabase;
  const made: string[] = [];
  beforeAll(async () => (database = await createTestDatabase()));
  afterAll(() => database.drop());

  const start = (env: Readonly<Record<string, string>>) =>
    startTestProcess(database, {
      KAFKA_BROKERS: process.env['TEST_KAFKA_SECURED_BROKERS']!,
      KAFKA_SSL: 'true',
      KAFKA_SASL_MECHANISM: 'scram-sha-256',
      KAFKA_SASL_USERNAME: KAFKA_USER.name,
      KAFKA_SASL_PASSWORD: KAFKA_USER.password,
      KAFKA_CREATE_TOPICS: 'false',
      KAFKA_TOPIC_PREFIX: kafka.topicPrefix,
      NODE_EXTRA_CA_CERTS: process.env['TEST_KAFKA_CA_FILE']!,
      ...env,
    });
  const client = ({ port }: TestProcess) => {
    const own = connect(port);
    return {
      close: own.close,
      create: async (name: string, text = '') => {
        const { customer } = await own.call('createCustomer', { email: `${name}@example.com`, metadata: { text } });
        made.push(customer!.id);
      },
      sink: async () => {
        const { sinks } = await own.call('getStreamStatus', {});
        return sinks.find(({ name }) => name === 'kafka')!;
      },
    };
  };
  const errorsOf = ({ logs }: TestProcess) => JSON.stringify(logs.filter(({ level }) => level >= 50));
  /** The log is written in the background, a moment after what it tells. */
  const expectError = async (service: TestProcess, text: string): Promise<void> => {
    await until(async () => errorsOf(service).includes(text)).catch(() => undefined);
    expect(errorsOf(service)).toContain(text);
  };
  const get = (process: TestProcess, path: string) => fetch(`http://127.0.0.1:${process.httpPort}${path}`);
  const keysIn = async (count: number) => {
    const received = await consumeUntil(topic, (all) => new Set(all.map(({ key }) => key)).size === count);
    return [...new Set(received.map(({ key }) => key))];
  };

  /** Calls go on, the fault is said, and what waits is seen by whoever asks. */
  const reports = async (service: TestProcess, said: RegExp): Promise<void> => {
    const { create, sink, close } = client(service);
    await create(`waits-${made.length}`);
    await until(async () => said.test(errorsOf(service)));
    await expectError(service, 'events cannot be published, trying again');
    expect(await sink()).toMatchObject({ position: '0', pending: String(made.length), dead_letters: 0 });
    expect((await sink()).oldest_pending_age).toBeDefined();
    expect((await get(service, '/readyz')).status).toBe(200);
    expect(await (await get(service, '/metrics')).text()).toMatch(/event_sink_lag_seconds\{sink="kafka"\} 0*[.1-9]/);
    close();
  };

  it.each([
    ['a wrong password', { KAFKA_SASL_PASSWORD: 'a wrong one' }, /SASL SCRAM SHA256 authentication failed/],
    ['an unknown authority', { NODE_EXTRA_CA_CERTS: '' }, /self-signed certificate in certificate chain/],
  ])('is said to refuse %s, while calls go on and events wait', async (_fault, env: Record<string, string>, said) => {
    const service = await start(env);
    await reports(service, said);
    expect(await service.end('SIGTERM')).toBe(0);
    expect(JSON.stringify(service.logs)).not.toContain(KAFKA_USER.password);
    expect(JSON.stringify(service.logs)).not.toContain('a wrong one');
  });

  it('is said to lack topics and to have too small ones; whatever has waited comes once they are there', async () => {
    const service = await start({ KAFKA_SASL_MECHANISM: 'scram-sha-512' });
    const missing = topicsOf(kafka).map(({ topic: name }) => name);
    await reports(service, new RegExp(`topics are missing and KAFKA_CREATE_TOPICS is not true: ${missing.join(', ')}`));
    const waiting = [...made];
    await createSmallTopics();
    expect(await keysIn(waiting.length)).toEqual(waiting);
    await expectError(
      service,
      JSON.stringify({ topic, bytes: 8_000, wanted: 1_048_576, msg: 'topic has a too small max.message.bytes' }).slice(
        1,
      ),
    );

    const { create, sink, close } = client(service);
    await create('large', 'x'.repeat(12_000));
    await create('after');
    // What is not in the log yet is not pending.
    await until(async () => (await sink()).position === String(made.length));
    expect(await sink()).toMatchObject({ position: String(made.length), dead_letters: 1, pending: '0' });
    await expectError(service, '"reason":"MESSAGE_TOO_LARGE","msg":"Kafka refuses an event; it is parked"');
    expect(await keysIn(waiting.length + 1)).toEqual([...waiting, made.at(-1)]);
    close();
    expect(await service.end('SIGTERM')).toBe(0);
  });

  it('takes events by PLAIN as well', async () => {
    const service = await start({ KAFKA_SASL_MECHANISM: 'plain' });
    const { create, close } = client(service);
    await create('plain');
    const published = made.length - 1;
    expect((await keysIn(published)).at(-1)).toBe(made.at(-1));
    close();
    await service.stop();
  });
});
