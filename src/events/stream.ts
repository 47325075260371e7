import type { Knex } from 'knex';
import { statement } from '../db/statement';
import { newId } from '../models/ids';

/** How far a sink has come. */
export type SinkProgress = {
  readonly name: string;
  readonly position: number;
  /** When the first event beyond happened; null when there is none. */
  readonly oldest_pending: Date | null;
  /** Null when nobody leads. */
  readonly leader: string | null;
  readonly dead_letters: number;
  /** Some process has led it, ever. */
  readonly isUsed: boolean;
};

export type ReplayProgress = {
  readonly id: string;
  readonly after_position: string;
  readonly until_position: string;
  readonly position: string;
};

/** What becomes of the log: its sinks, and ranges of it that are sent again. */
export type EventStream = {
  readonly outboxPending: () => Promise<number>;
  readonly sinks: () => Promise<readonly SinkProgress[]>;
  /** Those running, and for a day those done, oldest first. */
  readonly replays: () => Promise<readonly ReplayProgress[]>;
  /** Has (after, until] sent to Kafka again by whoever leads the sink; answers the id. The range is not looked at. */
  readonly replay: (after: number, until: number) => Promise<string>;
};

export const createEventStream = (knex: Knex): EventStream => ({
  outboxPending: async () => {
    const { rows } = await statement<{ pending: string }>(
      knex,
      'outbox_pending',
      'select count(*) as pending from customer_outbox',
    );
    return Number(rows[0]?.pending ?? 0);
  },
  sinks: async () => {
    const { rows } = await statement<Omit<SinkProgress, 'position'> & { readonly position: string }>(
      knex,
      'sinks',
      `select name, position, epoch > 0 as "isUsed",
              case when lease_until > clock_timestamp() then leader end as leader,
              (select occurred_at from customer_events as event where event.position > cursor.position
                order by event.position limit 1) as oldest_pending,
              (select count(*)::integer from event_dead_letters where sink = cursor.name) as dead_letters
         from event_cursors as cursor where name <> 'log' order by name`,
    );
    return rows.map((row) => ({ ...row, position: Number(row.position) }));
  },
  replays: async () => {
    const { rows } = await statement<ReplayProgress>(
      knex,
      'replays',
      `select id, after_position, until_position, position from event_replays
        where finished_at is null or finished_at > now() - interval '1 day' order by id`,
    );
    return rows;
  },
  replay: async (after, until) => {
    const id = newId('rpl');
    await statement(
      knex,
      'request_replay',
      'insert into event_replays (id, after_position, until_position, position) values (?, ?, ?, ?)',
      [id, after, until, after],
    );
    return id;
  },
});
