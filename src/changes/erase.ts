import { prepare, type Pipeline } from '../db/pipeline';

/** What is left of a recorded event: what happened and when, nothing of whom. */
const REDACTED = `
  actor = null, request_id = null, traceparent = null,
  data = json_strip_nulls(json_build_object(
    'id', aggregate_id || ':' || revision, 'type', type, 'customer_id', aggregate_id, 'revision', revision,
    'occurred_at', data -> 'occurred_at', 'changed_fields', '[]'::json,
    'customer', json_build_object(
      'id', aggregate_id, 'email', '', 'has_account', false, 'metadata', '{}'::json, 'revision', revision,
      'created_at', data #> '{customer,created_at}', 'updated_at', data #> '{customer,updated_at}',
      'deleted_at', data #> '{customer,deleted_at}'),
    'expires_at', data -> 'expires_at', 'retry_after', data -> 'retry_after'))`;

/** Each with the customer's id as its only values. */
const ERASE = [
  prepare(
    'redact_outbox',
    `update customer_outbox set ${REDACTED}
      where id in (select id from customer_outbox where aggregate_id = ? order by id for update)`,
  ),
  prepare('redact_log', `update customer_events set ${REDACTED} where aggregate_id = ?`),
  prepare(
    'erase_replies',
    `update idempotency_keys set response = null, customer_ids = array[$1::text]
      where customer_ids @> array[$1::text] and response is not null`,
  ),
  prepare('erase_members', 'delete from customer_group_members where customer_id = ?'),
] as const;

/**
 * Redacts what was recorded of a customer: the outbox first, then the log, in two statements (READ COMMITTED). The
 * other way round a row that the sequencer is moving at this moment would escape: here the first statement waits for
 * it, and the second sees it in the log. Rows are locked by id, as the sequencer takes them.
 *
 * Kept answers lose what they say and whom else they concern; that they were given, and for which customer, stays.
 */
export const eraseTraces = (send: Pipeline['send'], id: string): void => {
  for (const statement of ERASE) void send(statement, [id]);
};
