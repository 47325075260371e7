import { eventsOf } from '../support/events';
import { consumeUntil, describeKafka } from '../support/kafka';
import { startTestService, type TestService } from '../support/service';

let test: TestService;

describeKafka('an erased customer in Kafka', () => {
  beforeAll(async () => (test = await startTestService({ kafka: true })));
  afterAll(() => test.stop());

  it('is customer.erased without anything personal on the events, and a tombstone on the state', async () => {
    const { customer } = await test.client.call('createCustomer', {
      email: 'physalis@example.com',
      first_name: 'Physalis',
      addresses: [
        {
          first_name: 'Physalis',
          last_name: 'Physalis',
          address_1: 'Physalis 1',
          city: 'Physalis',
          country_code: 'de',
          postal_code: '1',
        },
      ],
    });
    const id = customer!.id;
    await test.client.call('eraseCustomer', { id, request_id: 'erase' });
    const events = await consumeUntil(`${test.env['KAFKA_TOPIC_PREFIX']}customer.events`, (all) =>
      all.some(({ headers }) => headers['ce_type'] === 'customer.erased'),
    );
    const erased = events.find(({ headers }) => headers['ce_type'] === 'customer.erased');
    expect(erased?.key).toBe(id);
    expect(JSON.stringify(erased).toLowerCase()).not.toContain('physalis');
    const states = await consumeUntil(
      `${test.env['KAFKA_TOPIC_PREFIX']}customer.state`,
      (all) => all.at(-1)?.headers['ce_revision'] === '2',
    );
    expect(states.at(-1)).toMatchObject({ key: id, value: null });
    expect((await eventsOf(test.database, id)).map(({ type }) => type)).toEqual([
      'customer.created',
      'customer.erased',
    ]);
  });
});
