import type { Pool } from 'pg';
import { inTransaction } from './in-transaction';

/** What one round did; `behind`: there was more than one round takes. */
export type Round = { readonly moved: number; readonly behind: boolean; readonly head: number | undefined };

export type Sequencer = {
  /** Moves what is committed from the outbox to the log. Nothing when another process is at it. */
  readonly round: () => Promise<Round>;
};

const ROWS = 1_000;
/** Rounds between two that read the outbox from its very beginning. */
const REBASE_EVERY = 100;

type Cursor = { readonly position: string; readonly xmin: string; readonly xmax: string };

/**
 * The only writer of the log. It leads for one transaction at a time, by the lock on cursor 'log', and gives positions
 * in the order of the outbox's ids, which is commit order for each aggregate: an id is taken while the row is locked.
 *
 * Dead rows at the outbox's beginning cost more and more while an old snapshot keeps them, so a round starts at a
 * low-water id. An id may be passed over only once nobody can still commit a lower one, else a later event of the same
 * customer could overtake it. Whoever took an id up to `seen` did so before we saw `seen`, in a transaction that had its
 * xid by then (rows are locked before ids are taken); once every xid of that moment has ended, `seen` is settled. What
 * they committed last must still be moved: the low water rises only after a round that saw it all.
 */
export const createSequencer = (pool: Pool): Sequencer => {
  let lowWater = 0;
  let rounds = 0;
  let seen = 0;
  let candidate: { readonly id: number; readonly xmax: bigint } | undefined;

  /** The id up to which nobody can commit any more, if there is a new one. */
  const settled = ({ xmin, xmax }: Cursor): number | undefined => {
    const id = candidate !== undefined && BigInt(xmin) >= candidate.xmax ? candidate.id : undefined;
    if (id !== undefined) candidate = undefined;
    if (candidate === undefined && seen > lowWater) candidate = { id: seen, xmax: BigInt(xmax) };
    return id;
  };

  return {
    round: () =>
      inTransaction(pool, async (client) => {
        const { rows } = await client.query<Cursor>({
          name: 'lead_log',
          text: `select position, pg_snapshot_xmin(pg_current_snapshot())::text as xmin,
                        pg_snapshot_xmax(pg_current_snapshot())::text as xmax
                   from event_cursors where name = 'log' for update skip locked`,
        });
        const cursor = rows[0];
        if (cursor === undefined) return { moved: 0, behind: false, head: undefined };
        const settledId = settled(cursor);
        rounds += 1;
        const from = rounds % REBASE_EVERY === 0 ? 0 : lowWater;
        const { rows: result } = await client.query<{ moved: string; last: string | null }>({
          name: 'move_to_log',
          text: `with moved as (
                   delete from customer_outbox where id = any (array(
                     select id from customer_outbox where id >= $1 order by id limit $2))
                   returning *
                 ), logged as (
                   insert into customer_events (position, aggregate_type, aggregate_id, revision, type, occurred_at,
                                                actor, request_id, traceparent, data)
                   select $3::bigint + row_number() over (order by id), aggregate_type, aggregate_id, revision, type,
                          occurred_at, actor, request_id, traceparent, data
                     from moved
                 ), counted as (
                   select count(*) as moved, max(id) as last from moved
                 ), forward as (
                   update event_cursors set position = $3::bigint + counted.moved from counted
                    where name = 'log' and counted.moved > 0
                 )
                 select moved, last from counted`,
          values: [from, ROWS, cursor.position],
        });
        const moved = Number(result[0]?.moved ?? 0);
        const last = Number(result[0]?.last ?? 0);
        seen = Math.max(seen, last);
        if (settledId !== undefined && (moved < ROWS || last >= settledId)) lowWater = settledId + 1;
        return { moved, behind: moved === ROWS, head: Number(cursor.position) + moved };
      }),
  };
};
