import type { KafkaConfig } from '../config';

/** Names of the topics, with the prefix of the configuration. */
export const topicNames = ({ topicPrefix }: Pick<KafkaConfig, 'topicPrefix'>) =>
  ({
    customerEvents: `${topicPrefix}customer.events`,
    groupEvents: `${topicPrefix}customer-group.events`,
    state: `${topicPrefix}customer.state`,
    passwordResets: `${topicPrefix}customer.password-resets`,
  }) as const;

export type TopicSettings = { readonly topic: string; readonly settings: Readonly<Record<string, string>> };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Every topic that must be there, with the settings it is created with. */
export const topicsOf = (kafka: Pick<KafkaConfig, 'topicPrefix'>): readonly TopicSettings[] => {
  const names = topicNames(kafka);
  const keptFor = (ms: number) => ({ 'cleanup.policy': 'delete', 'retention.ms': String(ms) });
  return [
    { topic: names.customerEvents, settings: keptFor(7 * DAY) },
    { topic: names.groupEvents, settings: keptFor(7 * DAY) },
    {
      topic: names.state,
      settings: {
        'cleanup.policy': 'compact',
        'segment.ms': String(HOUR),
        'max.compaction.lag.ms': String(DAY),
        'min.cleanable.dirty.ratio': '0.1',
        'delete.retention.ms': String(7 * DAY),
      },
    },
    { topic: names.passwordResets, settings: { ...keptFor(HOUR), 'segment.ms': String(10 * MINUTE) } },
  ];
};
