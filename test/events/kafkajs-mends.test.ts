import { pino } from 'pino';
import { createKafka } from '../../src/events/kafka';
import { consumeUntil, describeKafka } from '../support/kafka';

describeKafka('what kafkajs encodes', () => {
  it('arrives as it was, whatever its length', async () => {
    const topic = `mends-${Date.now()}`;
    const prefix = { topicPrefix: `${topic}.`, createTopics: true, partitions: 1 };
    const brokers = [process.env['TEST_KAFKA_BROKERS'] ?? ''];
    const config = { ...prefix, brokers, clientId: 'test', ssl: false, sasl: undefined };
    const kafka = createKafka(config, pino({ level: 'silent' }));
    await kafka.ensureTopics();
    const sent = Array.from({ length: 1_200 }, (_, length) => ({
      key: 'k'.repeat(length % 130),
      value: 'ä'.repeat(length / 2) + 'x'.repeat(length % 2),
      headers: { length: 'h'.repeat((length * 7) % 600), second: String(length) },
    }));
    const producer = kafka.plainProducer();
    await producer.connect();
    for (let first = 0; first < sent.length; first += 300) {
      const messages = sent.slice(first, first + 300);
      await producer.send(messages.map((message) => ({ topic: `${topic}.customer.events`, message })));
    }
    await producer.discard();
    const received = await consumeUntil(`${topic}.customer.events`, (all) => all.length === sent.length);
    expect(received.map(({ key, value, headers }) => ({ key, value, headers }))).toEqual(sent);
  });
});
