import type { KafkaConfig } from '../config';
import { cloudEvent, stateMessage } from './cloud-event';
import type { LoggedEvent } from './logged-event';
import type { SinkKind } from './sink';
import { topicNames } from './topics';

/** Every event to the topic of its aggregate. */
export const eventSink = (kafka: KafkaConfig, source: string): SinkKind => {
  const topics = topicNames(kafka);
  const topicOf = { customer: topics.customerEvents, customer_group: topics.groupEvents } as const;
  return {
    name: 'kafka',
    messagesOf: (events) =>
      events.map((event) => ({ topic: topicOf[event.aggregate_type], message: cloudEvent(event, source) })),
  };
};

/** The last state of each customer in a run of events, to the compacted topic. */
export const stateSink = (kafka: KafkaConfig): SinkKind => {
  const { state } = topicNames(kafka);
  return {
    name: 'kafka-state',
    messagesOf: (events) => {
      const last = new Map<string, LoggedEvent>();
      for (const event of events) if (event.aggregate_type === 'customer') last.set(event.aggregate_id, event);
      return [...last.values()].map((event) => ({ topic: state, message: stateMessage(event) }));
    },
  };
};
