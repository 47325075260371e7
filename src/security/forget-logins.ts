import type { Knex } from 'knex';
import { statement } from '../db/statement';

const ROWS = 1_000;

/**
 * Forgets counts of failed logins that nobody has touched for two days (the longest lock is an hour), 1,000 at a time;
 * answers whether there may be more.
 */
export const forgetLogins = async (knex: Knex): Promise<boolean> => {
  const { rowCount } = await statement(
    knex,
    'forget_logins',
    `delete from login_counters where key in (
       select key from login_counters where updated_at < now() - interval '2 days'
        order by updated_at limit ${ROWS} for update skip locked)`,
  );
  return rowCount === ROWS;
};
