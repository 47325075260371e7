import { eventsOf } from '../support/events';
import { consumeUntil, describeKafka, type Received } from '../support/kafka';
import { startTestService, type TestService } from '../support/service';

let test: TestService;
const topic = (name: string) => `${test.env['KAFKA_TOPIC_PREFIX']}${name}`;
const positionsOf = (received: readonly Received[]) => received.map(({ headers }) => Number(headers['ce_position']));

describeKafka('events in Kafka', () => {
  beforeAll(async () => (test = await startTestService({ kafka: true })));
  afterAll(() => test.stop());

  it('arrive as CloudEvents keyed by customer, exactly as the log holds them', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const { customer } = await test.client.call(
      'createCustomer',
      { email: 'kafka@example.com', metadata: { ä: '€' }, request_id: 'first' },
      { headers: { traceparent } },
    );
    const id = customer!.id;
    const [message] = await consumeUntil(topic('customer.events'), (all) => all.length === 1);
    const value = JSON.parse(message!.value!) as Record<string, unknown>;
    expect(message?.key).toBe(id);
    expect(message?.headers).toEqual({
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: `${id}:1`,
      ce_source: 'customer-service',
      ce_type: 'customer.created',
      ce_subject: id,
      ce_time: value['occurred_at'],
      ce_dataschema: 'urn:proto:customer.v1.CustomerEvent',
      ce_partitionkey: id,
      ce_revision: '1',
      ce_position: '1',
      traceparent,
    });
    expect(value).toEqual({
      position: '1',
      id: `${id}:1`,
      type: 'customer.created',
      customer_id: id,
      revision: 1,
      occurred_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      request_id: 'first',
      changed_fields: [],
      customer: {
        id,
        email: 'kafka@example.com',
        has_account: false,
        metadata: { ä: '€' },
        revision: 1,
        created_at: value['occurred_at'],
        updated_at: value['occurred_at'],
      },
    });
  });

  it('come in order, every position once, and the state topic folds to the table', async () => {
    const created = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        test.client.call('createCustomer', { email: `order-${index}@example.com` }),
      ),
    );
    await Promise.all(
      created.flatMap(({ customer }) =>
        [1, 2, 3].map((n) => test.client.call('updateCustomer', { id: customer!.id, metadata: { [`k${n}`]: n } })),
      ),
    );
    for (const { customer } of created.slice(0, 5)) await test.client.call('deleteCustomer', { id: customer!.id });
    const total = (await eventsOf(test.database)).length;
    const received = await consumeUntil(topic('customer.events'), (all) => new Set(positionsOf(all)).size === total);
    expect([...positionsOf(received)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: total }, (_, index) => index + 1),
    );
    for (const partition of [0, 1, 2]) {
      const positions = positionsOf(received.filter((one) => one.partition === partition));
      expect(positions).toEqual([...positions].sort((a, b) => a - b));
    }
    const rows = await test.database.query<{ id: string; revision: number; deleted: boolean }>(
      'select id, revision, deleted_at is not null as deleted from customers order by id',
    );
    const fold = (all: readonly Received[]) =>
      [
        ...new Map(
          all.map((one) => [one.key, { revision: Number(one.headers['ce_revision']), deleted: one.value === null }]),
        ),
      ]
        .map(([id, state]) => ({ id, ...state }))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
    const states = await consumeUntil(topic('customer.state'), (all) => {
      const folded = fold(all);
      return folded.length === rows.length && folded.every((state, index) => state.revision === rows[index]?.revision);
    });
    expect(fold(states)).toEqual(rows);
  });

  it('are published by another process once the leader is gone', async () => {
    const second = await startTestService({ database: test.database, env: test.env });
    await test.service.stop();
    const { customer } = await second.client.call('createCustomer', { email: 'after@example.com' });
    const received = await consumeUntil(topic('customer.events'), (all) => {
      // Partitions come one after the other, so the last event may well come before others.
      const positions = new Set(positionsOf(all));
      return all.some(({ key }) => key === customer!.id) && positions.size === Math.max(...positions);
    });
    expect(received.find(({ key }) => key === customer!.id)?.headers).toMatchObject({ ce_type: 'customer.created' });
    await second.stop();
  });
});
