import type { KafkaConfig } from '../config';
import { cloudEvent, stateMessage, withToken, type KafkaMessage } from './cloud-event';
import type { Outbound } from './kafka';
import type { LoggedEvent } from './logged-event';
import type { SinkKind } from './sink';
import type { ResetTokens } from './reset-tokens';
import { topicNames } from './topics';

/** Every event to the topic of its aggregate, and reset tokens that are still good to the topic of the mailer. */
export const eventSink = (kafka: KafkaConfig, source: string, tokens: ResetTokens): SinkKind => {
  const topics = topicNames(kafka);
  const topicOf = { customer: topics.customerEvents, customer_group: topics.groupEvents } as const;
  const toTopic = (event: LoggedEvent, headers: KafkaMessage['headers'] = {}): Outbound => {
    const message = cloudEvent(event, source);
    return {
      topic: topicOf[event.aggregate_type],
      message: { ...message, headers: { ...message.headers, ...headers } },
    };
  };
  return {
    name: 'kafka',
    messagesAgain: (events, replayId) => events.map((event) => toTopic(event, { ce_replay: replayId })),
    messagesOf: async (events) => {
      const told = events.map((event) => toTopic(event));
      const resets = (await tokens(events)).map(({ event, token }) => ({
        topic: topics.passwordResets,
        message: withToken(cloudEvent(event, source), token),
      }));
      return [...told, ...resets];
    },
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
