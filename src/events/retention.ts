import type { Knex } from 'knex';
import { statement } from '../db/statement';

const ROWS = 1_000;

/**
 * Removes up to 1,000 events, with what is parked of them, from the old end of the log: by position, none younger than
 * `days` or after one that is, none that a sink or a replay has still to send. Answers whether there may be more.
 *
 * A sink counts once any process has led it, whether or not this one has Kafka: an event too many is better than one
 * that never arrives. One process at a time: two could leave a hole behind when one of them fails.
 */
export const removeOldEvents = async (knex: Knex, days: number): Promise<boolean> => {
  const { rowCount } = await statement(
    knex,
    'remove_old_events',
    `with lead as (
       select pg_try_advisory_xact_lock(4711002) as mine
     ), oldest as (
       select position, occurred_at from customer_events order by position limit ${ROWS}
     ), bound as (
       select least(
         (select min(position) - 1 from oldest where occurred_at > clock_timestamp() - ? * interval '1 day'),
         (select min(position) from event_cursors where name <> 'log' and epoch > 0),
         (select min(position) from event_replays where finished_at is null),
         (select max(position) from oldest)) as last
         from lead where mine
     ), unparked as (
       delete from event_dead_letters where position <= (select last from bound)
     )
     delete from customer_events
      where position in (select position from oldest) and position <= (select last from bound)`,
    [days],
  );
  return rowCount === ROWS;
};

/** Removes replays that were done a day ago: until then GetStreamStatus shows them. */
export const removeOldReplays = async (knex: Knex): Promise<boolean> => {
  await statement(knex, 'remove_old_replays', `delete from event_replays where finished_at < now() - interval '1 day'`);
  return false;
};
