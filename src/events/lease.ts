import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';

/** The lead of one sink, for a time: by the database's clock there, by this process' monotonic clock here. */
export type Lease = {
  /**
   * Tries to gain or keep the lead; waits for the end of another's when that is near. `gained`: it was not ours before,
   * and `position` is where to go on.
   */
  readonly hold: () => Promise<{ readonly leading: boolean; readonly gained: boolean; readonly position: number }>;
  /** Keeps the lead; false when it is lost, and then it is not gained again: what was held under it is old. */
  readonly renew: () => Promise<boolean>;
  /** False from the moment another process may lead, also when this one was frozen meanwhile. */
  readonly isHeld: () => boolean;
  /** The number of this lead, undefined without: what is written under it must ask for it. */
  readonly epoch: () => string | undefined;
  /**
   * Moves the cursor forward; false when the lead is lost, and then nothing was moved. A crash of the database may take
   * back what is not `durable`, and then some events are sent again.
   */
  readonly moveTo: (position: number, durability: 'durable' | 'quick') => Promise<boolean>;
  /** Gives the lead up, so that another can take it at once. */
  readonly release: () => Promise<void>;
};

export const LEASE_MS = 2_000;
/** We stop a little earlier than the database lets others start. */
const MARGIN_MS = 200;
/** So little is left of the lead of those only who have not renewed it in time; longer than it takes to be asked again. */
const NEAR_END_MS = 600;

export const createLease = (pool: Pool, name: string, leader: string): Lease => {
  let epoch: string | undefined;
  let heldUntil = 0;

  const lose = (): void => {
    epoch = undefined;
    heldUntil = 0;
  };

  const renew = async (): Promise<number | undefined> => {
    if (epoch === undefined) return undefined;
    const asked = performance.now();
    const { rows } = await pool.query<{ position: string }>({
      name: 'renew_lease',
      text: `update event_cursors set lease_until = clock_timestamp() + $3 * interval '1 ms'
              where name = $1 and epoch = $2 returning position`,
      values: [name, epoch, LEASE_MS],
    });
    if (rows[0] === undefined) {
      lose();
      return undefined;
    }
    heldUntil = asked + LEASE_MS - MARGIN_MS;
    return Number(rows[0].position);
  };

  const gain = async (): Promise<number | undefined> => {
    const asked = performance.now();
    const { rows } = await pool.query<{ position: string; epoch: string }>({
      name: 'gain_lease',
      text: `update event_cursors
                set leader = $2, epoch = epoch + 1, lease_until = clock_timestamp() + $3 * interval '1 ms'
              where name = $1 and (lease_until is null or lease_until < clock_timestamp())
              returning position, epoch`,
      values: [name, leader, LEASE_MS],
    });
    if (rows[0] === undefined) return undefined;
    epoch = rows[0].epoch;
    heldUntil = asked + LEASE_MS - MARGIN_MS;
    return Number(rows[0].position);
  };

  /** Of another's lead. */
  const remainingMs = async (): Promise<number> => {
    const { rows } = await pool.query<{ ms: number }>({
      name: 'remaining_lease',
      text: `select (extract(epoch from lease_until - clock_timestamp()) * 1000)::float as ms
               from event_cursors where name = $1 and lease_until is not null`,
      values: [name],
    });
    return rows[0]?.ms ?? 0;
  };

  /** The lead of one who died ends at a known time: it is taken over then, not when next asked for. */
  const gainAtItsEnd = async (): Promise<number | undefined> => {
    const ms = await remainingMs();
    if (ms > NEAR_END_MS) return undefined;
    await delay(Math.max(0, ms) + 1);
    return gain();
  };

  return {
    hold: async () => {
      const kept = await renew();
      if (kept !== undefined) return { leading: true, gained: false, position: kept };
      const gained = (await gain()) ?? (await gainAtItsEnd());
      return { leading: gained !== undefined, gained: gained !== undefined, position: gained ?? 0 };
    },
    renew: async () => (await renew()) !== undefined,
    isHeld: () => epoch !== undefined && performance.now() < heldUntil,
    epoch: () => epoch,
    moveTo: async (position, durability) => {
      if (epoch === undefined) return false;
      const { rowCount } = await pool.query({
        name: 'move_cursor',
        text: `with durability as (select set_config('synchronous_commit', $4, true))
               update event_cursors set position = $3 from durability
                where name = $1 and epoch = $2 and position <= $3`,
        values: [name, epoch, position, durability === 'durable' ? 'on' : 'off'],
      });
      if (rowCount !== 1) lose();
      return rowCount === 1;
    },
    release: async () => {
      if (epoch === undefined) return;
      const mine = epoch;
      lose();
      await pool.query('update event_cursors set leader = null, lease_until = null where name = $1 and epoch = $2', [
        name,
        mine,
      ]);
    },
  };
};
