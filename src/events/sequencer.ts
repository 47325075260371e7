import type { Pool } from 'pg';
import { LOGGED_COLUMNS, loggedEvent, type LoggedEvent, type LoggedRow } from './logged-event';

/** What one round did. */
export type Round = {
  readonly moved: number;
  /** There was more than one round takes. */
  readonly behind: boolean;
  readonly head: number | undefined;
  /** What was moved, in order; empty when nobody asks for it, or it is too much to be handed over. */
  readonly events: readonly LoggedEvent[];
};

export type Sequencer = {
  /** Moves what is committed from the outbox to the log. Nothing when another process is at it. */
  readonly round: () => Promise<Round>;
};

const ROWS = 1_000;
/** More than these are a backlog, which is read from the log in larger parts. */
const HANDED_OVER = 100;
/** Rounds between two that read the outbox from its very beginning. */
const REBASE_EVERY = 100;

/**
 * One statement, so one round trip. Its snapshot may be older than what another process has just committed here; then
 * the lock answers the newest position, rows that are gone are passed over, and what is seen of a customer is still a
 * beginning of what there is, because a later event can be seen only by who sees the one before.
 */
const MOVE = `
  with lead as (
    select position from event_cursors where name = 'log' for update skip locked
  ), moved as (
    delete from customer_outbox
     where exists (select from lead)
       and id = any (array(select id from customer_outbox where id >= $1 order by id limit $2))
    returning *
  ), logged as (
    insert into customer_events (position, aggregate_type, aggregate_id, revision, type, occurred_at, actor, request_id,
                                 traceparent, data)
    select (select position from lead) + row_number() over (order by id), aggregate_type, aggregate_id, revision, type,
           occurred_at, actor, request_id, traceparent, data
      from moved
    returning ${LOGGED_COLUMNS}
  ), counted as (
    select count(*) as moved, max(id) as last from moved
  ), forward as (
    update event_cursors set position = lead.position + counted.moved from lead, counted
     where name = 'log' and counted.moved > 0
  )
  select moved, last, lead.position + moved as head, pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
         pg_snapshot_xmax(pg_current_snapshot())::text as xmax, logged.*
    from lead cross join counted left join logged on moved <= $3 order by logged.position`;

type Moved = {
  readonly moved: string;
  readonly last: string | null;
  readonly head: string;
  readonly xmin: string;
  readonly xmax: string;
};

/**
 * The only writer of the log. It leads for one statement at a time, by the lock on cursor 'log', and gives positions
 * in the order of the outbox's ids, which is commit order for each aggregate: an id is taken while the row is locked.
 *
 * Dead rows at the outbox's beginning cost more and more while an old snapshot keeps them, so a round starts at a
 * low-water id. An id may be passed over only once nobody can still commit a lower one, else a later event of the same
 * customer could overtake it. Whoever took an id up to `seen` did so before we saw `seen`, in a transaction that had its
 * xid by then (rows are locked before ids are taken); once every xid of that moment has ended, `seen` is settled. What
 * they committed last must still be moved: the low water rises only after a round that saw it all.
 */
export const createSequencer = (pool: Pool, isAskedFor = (): boolean => true): Sequencer => {
  let lowWater = 0;
  let rounds = 0;
  let seen = 0;
  let candidate: { readonly id: number; readonly xmax: bigint } | undefined;

  /** The id up to which nobody can commit any more, if there is a new one. */
  const settled = ({ xmin, xmax }: Moved): number | undefined => {
    const id = candidate !== undefined && BigInt(xmin) >= candidate.xmax ? candidate.id : undefined;
    if (id !== undefined) candidate = undefined;
    if (candidate === undefined && seen > lowWater) candidate = { id: seen, xmax: BigInt(xmax) };
    return id;
  };

  return {
    round: async () => {
      rounds += 1;
      const from = rounds % REBASE_EVERY === 0 ? 0 : lowWater;
      const { rows } = await pool.query<Moved & (LoggedRow | { readonly position: null })>({
        name: 'move_to_log',
        text: MOVE,
        values: [from, ROWS, isAskedFor() ? HANDED_OVER : 0],
      });
      const [result] = rows;
      if (result === undefined) return { moved: 0, behind: false, head: undefined, events: [] };
      const moved = Number(result.moved);
      const last = Number(result.last ?? 0);
      const settledId = settled(result);
      seen = Math.max(seen, last);
      if (settledId !== undefined && (moved < ROWS || last >= settledId)) lowWater = settledId + 1;
      const events = rows.flatMap((row) => (row.position === null ? [] : [loggedEvent(row)]));
      return { moved, behind: moved === ROWS, head: Number(result.head), events };
    },
  };
};
