import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { consumeUntil, describeKafka } from '../support/kafka';
import { startDatabaseProxy } from '../support/proxy';
import { startTestService, type TestService } from '../support/service';
import { until } from '../support/until';

describeKafka('when the process that leads is killed', () => {
  let test: TestService;
  let leader: ChildProcess;
  beforeAll(async () => (test = await startTestService({ kafka: true, env: { RELAY: 'off' } })));
  afterEach(() => void leader.kill('SIGKILL'));
  afterAll(() => test.stop());

  const status = () => test.client.call('getStreamStatus', {});
  const create = (name: string) => test.client.call('createCustomer', { email: `${name}@example.com` });

  it('another one goes on where it was, in order, with every event there', async () => {
    const env = { ...process.env, ...test.env, RELAY: 'on' };
    leader = spawn(process.execPath, ['--import', 'tsx', 'src/bin/relay.ts'], { env, stdio: 'ignore' });
    await create('first');
    await until(async () => {
      const { sinks } = await status();
      return sinks.length === 2 && sinks.every(({ position }) => position === '1');
    });
    const [killed] = (await status()).sinks;
    const second = await startTestService({ database: test.database, env: { ...test.env, RELAY: 'on' } });
    const traffic = Promise.all(Array.from({ length: 60 }, (_, n) => create(`c-${n}`)));
    leader.kill('SIGKILL');
    await traffic;
    await until(async () => (await status()).sinks.every(({ position }) => position === '61'));
    for (const { leader: now } of (await status()).sinks) expect(now).not.toBe(killed?.leader);
    const received = await consumeUntil(`${test.env['KAFKA_TOPIC_PREFIX']}customer.events`, (all) => {
      return new Set(all.map(({ headers }) => headers['ce_position'])).size === 61;
    });
    for (const partition of [0, 1, 2]) {
      const positions = received
        .filter((one) => one.partition === partition)
        .map(({ headers }) => Number(headers['ce_position']));
      const firsts = positions.filter((position, index) => positions.indexOf(position) === index);
      expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
    }
    await second.stop();
  });

  it('another one takes over whose connections had gone silent meanwhile, long before their statements time out', async () => {
    const { proxy, url } = await startDatabaseProxy(test.database.url);
    const isLedBy = async (pid: number | undefined): Promise<boolean> =>
      (await status()).sinks.every(({ leader: now }) => now?.includes(`-${pid}-`));
    const env = { ...process.env, ...test.env, RELAY: 'on' };
    leader = spawn(process.execPath, ['--import', 'tsx', 'src/bin/relay.ts'], { env, stdio: 'ignore' });
    await until(() => isLedBy(leader.pid));
    const standby = await startTestService({
      database: test.database,
      env: { ...test.env, DATABASE_URL: url, RELAY: 'on' },
    });
    await delay(1_500);
    proxy.mute();
    await delay(600);
    leader.kill('SIGKILL');
    await Promise.race([until(() => isLedBy(process.pid)), delay(8_000, undefined, { ref: false })]);
    expect(await isLedBy(process.pid)).toBe(true);
    proxy.cut();
    await standby.stop();
    await proxy.close();
  }, 40_000);
});
