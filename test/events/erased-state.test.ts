import { needles, newPerson, PERSON } from '../support/person';
import { consumeUntil, describeKafka, type Received } from '../support/kafka';
import { startTestService, type TestService } from '../support/service';
import { until } from '../support/until';

let test: TestService;

const position = ({ headers }: Received): number => Number(headers['ce_position']);
const traces = (value: unknown): string[] => {
  const text = JSON.stringify(value).toLowerCase();
  return needles.filter((needle) => text.includes(needle.toLowerCase()));
};
const topic = (name: string): string => `${test.env['KAFKA_TOPIC_PREFIX']}${name}`;

/** Waits until every event is in Kafka; answers the position of the last. */
const published = async (): Promise<number> => {
  let head = 0;
  await until(async () => {
    const { outbox_pending, sinks, replays, head_position } = await test.client.call('getStreamStatus', {});
    head = Number(head_position);
    return (
      outbox_pending === '0' &&
      sinks.length === 2 &&
      sinks.every(({ pending }) => pending === '0') &&
      replays.every((replay) => replay.position === replay.until_position)
    );
  });
  return head;
};

describeKafka('an erased customer in Kafka', () => {
  beforeAll(async () => (test = await startTestService({ kafka: true, env: { LOG_LEVEL: 'trace' } })));
  afterAll(() => test.stop());

  it('leaves no trace in any later message of any topic, nor in a replay, but a tombstone as the state', async () => {
    const { id, group_id } = await newPerson(test);
    const last = await published();
    const { revision } = await test.client.call('eraseCustomer', { id, request_id: 'erase' });
    await test.client.call('updateCustomerGroup', { id: group_id, name: 'without' });
    await published();
    const { replay_id } = await test.client.call('replayEvents', { after_position: '0' });
    await published();

    const events = await consumeUntil(
      topic('customer.events'),
      (all) => all.filter(({ headers }) => headers['ce_replay'] === replay_id).length === revision,
    );
    const groups = await consumeUntil(topic('customer-group.events'), (all) => all.length === 4);
    const states = await consumeUntil(
      topic('customer.state'),
      (all) => all.at(-1)?.headers['ce_revision'] === String(revision),
    );
    const resets = await consumeUntil(topic('customer.password-resets'), (all) => all.length > 0);

    const [before, after] = [(one: Received) => !after(one), (one: Received) => position(one) > last] as const;
    const isAgain = ({ headers }: Received): boolean => headers['ce_replay'] === replay_id;
    for (const place of [events, states, resets]) expect(traces(place.filter(before))).toContain(PERSON.first_name);
    expect(events.filter(after).map(({ headers }) => headers['ce_type'])).toEqual([
      'customer.erased',
      'customer.erased',
    ]);
    for (const place of [events, groups, states, resets]) {
      expect(traces(place.filter((one) => after(one) || isAgain(one)))).toEqual([]);
    }
    expect(states.filter(({ key }) => key === id).at(-1)).toMatchObject({ value: null });
    expect(traces(test.logs)).toEqual([]);
  });
});
