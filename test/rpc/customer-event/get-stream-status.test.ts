import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService({ env: { RELAY: 'off' } })));
afterAll(() => test.stop());

describe('GetStreamStatus', () => {
  it('tells of an empty log', async () => {
    expect(await test.client.call('getStreamStatus', {})).toEqual({
      oldest_position: '1',
      head_position: '0',
      outbox_pending: '0',
      sinks: [],
      replays: [],
    });
  });

  it('tells what waits to be numbered, and what a sink has still to send', async () => {
    for (const email of ['a@example.com', 'b@example.com', 'c@example.com']) {
      await test.client.call('createCustomer', { email });
    }
    expect(await test.client.call('getStreamStatus', {})).toMatchObject({ head_position: '0', outbox_pending: '3' });
    const relaying = await startTestService({ database: test.database });
    await relaying.client.call('listEvents', {});
    await test.database.query(
      `update event_cursors set position = 1, epoch = 1, leader = 'somebody', lease_until = now() + interval '1 hour'
        where name = 'kafka'`,
    );
    await test.database.query(
      `insert into event_dead_letters (sink, position, aggregate_id, reason) values ('kafka', 1, 'x', 'MESSAGE_TOO_LARGE')`,
    );
    const status = await test.client.call('getStreamStatus', {});
    expect(status).toMatchObject({
      oldest_position: '1',
      head_position: '3',
      outbox_pending: '0',
      sinks: [{ name: 'kafka', position: '1', pending: '2', leader: 'somebody', dead_letters: 1 }],
    });
    expect(status.sinks[0]?.oldest_pending_age?.seconds).toBeLessThan(60);
    await test.database.query(`update event_cursors set lease_until = now(), position = 3 where name = 'kafka'`);
    const [sink] = (await test.client.call('getStreamStatus', {})).sinks;
    expect(sink).toMatchObject({ pending: '0', leader: undefined, oldest_pending_age: undefined });
    await relaying.stop();
  });

  it('lets GetEvent answer after a second at most when nobody numbers the events', async () => {
    const { customer } = await test.client.call('createCustomer', { email: 'nobody@example.com' });
    const asked = { aggregate_id: customer!.id, revision: 1 };
    expect(await test.client.refusal(test.client.call('getEvent', asked))).toMatchObject({ reason: 'EVENT_NOT_FOUND' });
  });
});
