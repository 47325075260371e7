import type { KafkaConfig } from '../config';
import { cloudEvent, stateMessage, withToken } from './cloud-event';
import type { LoggedEvent } from './logged-event';
import type { SinkKind, Telling } from './sink';
import type { ResetTokens } from './reset-tokens';
import { topicNames } from './topics';

/** Every event to the topic of its aggregate; those that are sent again are marked with the id of the replay. */
export const eventMessages = (kafka: KafkaConfig, source: string) => {
  const topics = topicNames(kafka);
  const topicOf = { customer: topics.customerEvents, customer_group: topics.groupEvents } as const;
  return (events: readonly LoggedEvent[], replayId?: string): Telling[] =>
    events.map((event) => {
      const message = cloudEvent(event, source);
      const marked =
        replayId === undefined ? message : { ...message, headers: { ...message.headers, ce_replay: replayId } };
      return { topic: topicOf[event.aggregate_type], message: marked, event };
    });
};

/** Every event to the topic of its aggregate, and reset tokens that are still good to the topic of the mailer. */
export const eventSink = (kafka: KafkaConfig, source: string, tokens: ResetTokens): SinkKind => {
  const { passwordResets } = topicNames(kafka);
  const messages = eventMessages(kafka, source);
  return {
    name: 'kafka',
    messagesAgain: messages,
    messagesOf: async (events) => {
      const resets = (await tokens(events)).map(({ event, token }) => ({
        topic: passwordResets,
        message: withToken(cloudEvent(event, source), token),
        event,
      }));
      return [...messages(events), ...resets];
    },
  };
};

/** A transaction costs Kafka some 20 ms however little is in it; left at that, it would keep the events waiting. */
const STATE_REST_MS = 100;

/** The last state of each customer in a run of events, to the compacted topic. */
export const stateSink = (kafka: KafkaConfig): SinkKind => {
  const { state } = topicNames(kafka);
  return {
    name: 'kafka-state',
    neverGoesBack: true,
    restMs: STATE_REST_MS,
    messagesOf: (events) => {
      const last = new Map<string, LoggedEvent>();
      for (const event of events) if (event.aggregate_type === 'customer') last.set(event.aggregate_id, event);
      return [...last.values()].map((event) => ({ topic: state, message: stateMessage(event), event }));
    },
  };
};
