import type { Pool } from 'pg';
import type { Lease } from './lease';
import { readLog, type LoggedEvent } from './logged-event';

/** Sends ranges of the log again that somebody has asked for; rows of event_replays are the requests and the progress. */
export type Replays = {
  /**
   * Sends the next part of the oldest one, nothing beyond `sent`: no event is sent again before it was sent. False when
   * there is nothing to send. Only for who holds the lease.
   */
  readonly sendPart: (
    sent: number,
    send: (events: readonly LoggedEvent[], replayId: string) => Promise<void>,
  ) => Promise<boolean>;
};

const LIMITS = { events: 500, bytes: 512 * 1024 } as const;
/** With none running, the table is looked at this often. */
const LOOK_EVERY_MS = 250;

type Replay = { readonly id: string; readonly position: string; readonly until_position: string };

export const createReplays = (pool: Pool, lease: Lease): Replays => {
  let lookAt = -Infinity;

  const oldest = async (): Promise<Replay | undefined> => {
    const { rows } = await pool.query<Replay>({
      name: 'oldest_replay',
      text: `select id, position, until_position from event_replays where finished_at is null order by id limit 1`,
    });
    return rows[0];
  };

  /** Nothing is moved once another process leads: it sends the part again, and the rest. */
  const moveTo = async ({ id }: Replay, position: number, isFinished: boolean): Promise<void> => {
    await pool.query({
      name: 'move_replay',
      text: `update event_replays set position = $2, finished_at = case when $3 then now() end
              where id = $1 and exists (select 1 from event_cursors where name = 'kafka' and epoch = $4)`,
      values: [id, position, isFinished, lease.epoch()],
    });
  };

  return {
    sendPart: async (sent, send) => {
      if (performance.now() < lookAt) return false;
      const replay = await oldest();
      if (replay === undefined) {
        lookAt = performance.now() + LOOK_EVERY_MS;
        return false;
      }
      const until = Number(replay.until_position);
      const reach = Math.min(until, sent);
      const read = await readLog(pool, Number(replay.position), LIMITS);
      const events = read.filter(({ position }) => position <= reach);
      const last = events.at(-1)?.position ?? reach;
      if (events.length === 0 && last < until) return false;
      await send(events, replay.id);
      await moveTo(replay, last, last >= until);
      return true;
    },
  };
};
