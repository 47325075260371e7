import type { Knex } from 'knex';
import { statement } from '../db/statement';

/** What is left of a recorded event: what happened and when, nothing of whom. */
const REDACTED = `
  actor = null, request_id = null, traceparent = null,
  data = json_build_object('id', aggregate_id || ':' || revision, 'type', type, 'customer_id', aggregate_id,
    'revision', revision, 'occurred_at', data ->> 'occurred_at', 'changed_fields', '[]'::json,
    'customer', json_build_object('id', aggregate_id, 'email', '', 'has_account', false, 'revision', revision))`;

/**
 * Redacts what was recorded of a customer: the outbox first, then the log, in two statements (READ COMMITTED). The
 * other way round a row that the sequencer is moving at this moment would escape: here the first statement waits for
 * it, and the second sees it in the log.
 */
export const eraseTraces = async (trx: Knex.Transaction, id: string): Promise<void> => {
  for (const table of ['customer_outbox', 'customer_events'] as const) {
    await statement(trx, `redact_${table}`, `update ${table} set ${REDACTED} where aggregate_id = ?`, [id]);
  }
  await statement(
    trx,
    'erase_replies',
    'update idempotency_keys set response = null where customer_ids @> array[?::text]',
    [id],
  );
  await statement(trx, 'erase_members', 'delete from customer_group_members where customer_id = ?', [id]);
};
