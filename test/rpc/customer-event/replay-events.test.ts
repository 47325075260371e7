import { setTimeout as delay } from 'node:timers/promises';
import { consumeUntil, describeKafka, type Received } from '../../support/kafka';
import { startTestService, type TestService } from '../../support/service';

const position = ({ headers }: Received) => Number(headers['ce_position']);
const replayOf = ({ headers }: Received) => headers['ce_replay'];

describe('ReplayEvents without Kafka', () => {
  it('is refused', async () => {
    const test = await startTestService();
    await test.client.call('createCustomer', { email: 'none@example.com' });
    const call = test.client.call('replayEvents', { after_position: '0' });
    expect(await test.client.refusal(call)).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'KAFKA_NOT_CONFIGURED',
    });
    await test.stop();
  });
});

describeKafka('ReplayEvents', () => {
  let test: TestService;
  beforeAll(async () => (test = await startTestService({ kafka: true })));
  afterAll(() => test.stop());
  const topic = (name: string) => `${test.env['KAFKA_TOPIC_PREFIX']}${name}`;
  const create = (name: string) => test.client.call('createCustomer', { email: `${name}@example.com` });
  const finished = async (replayId: string) => {
    for (;;) {
      const { replays } = await test.client.call('getStreamStatus', {});
      const replay = replays.find(({ replay_id }) => replay_id === replayId);
      if (replay?.position === replay?.until_position) return replay;
      await delay(50);
    }
  };

  it('sends a range again, marked, in order, while new events go on, and never to the state topic', async () => {
    for (let n = 0; n < 30; n += 1) await create(`old-${n}`);
    await test.client.call('createCustomerGroup', { name: 'VIP' });
    await test.client.call('getEvent', { aggregate_id: (await create('last')).customer!.id, revision: 1 });
    const traffic = Promise.all(Array.from({ length: 100 }, (_, n) => create(`new-${n}`)));
    const { replay_id, count } = await test.client.call('replayEvents', { after_position: '4', until_position: '32' });
    expect(count).toBe('28');
    expect(await finished(replay_id)).toEqual({ replay_id, after_position: '4', until_position: '32', position: '32' });
    await traffic;
    const received = await consumeUntil(
      topic('customer.events'),
      (all) =>
        all.filter((one) => replayOf(one) === undefined).length === 131 &&
        all.filter((one) => replayOf(one) === replay_id).length === 27,
    );
    const again = received.filter((one) => replayOf(one) === replay_id);
    expect(again.map(position).sort((a, b) => a - b)).toEqual([...Array.from({ length: 26 }, (_, n) => n + 5), 32]);
    for (const partition of [0, 1, 2]) {
      for (const id of [replay_id, undefined]) {
        const positions = received.filter((one) => one.partition === partition && replayOf(one) === id).map(position);
        expect(positions).toEqual([...positions].sort((a, b) => a - b));
      }
    }
    const groups = await consumeUntil(topic('customer-group.events'), (all) => all.length === 2);
    expect(groups.map(replayOf)).toEqual([undefined, replay_id]);
    const states = await consumeUntil(
      topic('customer.state'),
      (all) => new Set(all.map(({ key }) => key)).size === 131,
    );
    expect(states.length).toBe(131);
  });

  it('goes on where it was, by whoever leads', async () => {
    const { head_position } = await test.client.call('getStreamStatus', {});
    await test.database.query(
      `insert into event_replays (id, after_position, until_position, position) values ('rpl_half', 0, $1, 10)`,
      [head_position],
    );
    const second = await startTestService({ database: test.database, env: test.env });
    await test.service.stop();
    const isAgain = (one: Received) => replayOf(one) === 'rpl_half';
    const logged = await test.database.query<{ position: number }>(
      `select position::int from customer_events where aggregate_type = 'customer' and position between 11 and $1
        order by position`,
      [head_position],
    );
    const received = await consumeUntil(
      topic('customer.events'),
      (all) => new Set(all.filter(isAgain).map(position)).size >= logged.length,
    );
    const again = [...new Set(received.filter(isAgain).map(position))].sort((a, b) => a - b);
    expect(again).toEqual(logged.map((event) => event.position));
    await second.stop();
    test = await startTestService({ database: test.database, env: test.env });
  });

  it('refuses ranges that are not there', async () => {
    const refusal = (request: object) => test.client.refusal(test.client.call('replayEvents', request));
    expect(await refusal({ after_position: '3', until_position: '3' })).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: ['until_position'],
    });
    expect(await refusal({ after_position: '0', until_position: '100000' })).toMatchObject({
      reason: 'POSITION_AHEAD',
    });
    expect(await refusal({ after_position: '100000' })).toMatchObject({ reason: 'POSITION_AHEAD' });
    await test.database.query('delete from customer_events where position <= 2');
    expect(await refusal({ after_position: '0' })).toMatchObject({ reason: 'POSITION_TOO_OLD' });
  });
});
