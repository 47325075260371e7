import type { Knex } from 'knex';
import { statement } from '../db/statement';

const ROWS = 1_000;

/** Forgets answers that are kept for longer than they must be, 1,000 at a time; answers whether there may be more. */
export const forgetReplies = async (knex: Knex, retentionHours: number): Promise<boolean> => {
  const { rowCount } = await statement(
    knex,
    'forget_replies',
    `delete from idempotency_keys where (caller, request_id) in (
       select caller, request_id from idempotency_keys where created_at < now() - ? * interval '1 hour'
        order by created_at limit ${ROWS} for update skip locked)`,
    [retentionHours],
  );
  return rowCount === ROWS;
};
