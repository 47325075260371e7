import { eventJson, type LoggedEvent } from './logged-event';

/** A message for Kafka; a null value is a tombstone. */
export type KafkaMessage = {
  readonly key: string;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
};

const SCHEMAS = {
  customer: 'urn:proto:customer.v1.CustomerEvent',
  customer_group: 'urn:proto:customer.v1.CustomerGroupEvent',
} as const;

/** An event as CloudEvents 1.0 in Kafka's binary mode: attributes in headers, the JSON of the event as value. */
export const cloudEvent = (event: LoggedEvent, source: string): KafkaMessage => ({
  key: event.aggregate_id,
  value: eventJson(event),
  headers: {
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_id: `${event.aggregate_id}:${event.revision}`,
    ce_source: source,
    ce_type: event.type,
    ce_subject: event.aggregate_id,
    ce_time: event.occurred_at.toISOString(),
    ce_dataschema: SCHEMAS[event.aggregate_type],
    ce_partitionkey: event.aggregate_id,
    ce_revision: String(event.revision),
    ce_position: String(event.position),
    ...(event.traceparent === null ? {} : { traceparent: event.traceparent }),
  },
});

/** The same message with a reset token in it, for the one topic that may hold it. */
export const withToken = (message: KafkaMessage, token: string): KafkaMessage => ({
  ...message,
  value: `{"token":${JSON.stringify(token)},${(message.value ?? '{}').slice(1)}`,
});

const GONE: ReadonlySet<string> = new Set(['customer.deleted', 'customer.erased']);

type State = { readonly customer: { readonly email: string } };

/**
 * The state a customer's event leaves: the customer as JSON, or a tombstone once it is deleted or erased. An event that
 * was redacted before it came here has no e-mail any more; the customer is gone, whatever it tells of.
 */
export const stateMessage = (event: LoggedEvent): KafkaMessage => {
  const { customer } = JSON.parse(event.data) as State;
  const isGone = GONE.has(event.type) || customer.email === '';
  return {
    key: event.aggregate_id,
    value: isGone ? null : JSON.stringify(customer),
    headers: { 'content-type': 'application/json', ce_revision: String(event.revision) },
  };
};
