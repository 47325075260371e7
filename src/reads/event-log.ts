import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import { statement } from '../db/statement';
import { DomainError } from '../errors';
import { LOGGED_COLUMNS, loggedEvent, type LoggedEvent, type LoggedRow, type ReadLimits } from '../events/logged-event';

/** Which events are asked for; an empty list is no condition. */
export type EventFilter = { readonly aggregate_ids: readonly string[]; readonly types: readonly string[] };

/** `span`: positions looked at, so that a filter that matches nothing costs no more. */
type StretchLimits = ReadLimits & { readonly span: number };

/** What matches from one position to another, all of it. */
export type Stretch = {
  readonly events: readonly LoggedEvent[];
  /** Everything that matches up to here is in `events`. */
  readonly until: number;
  /** The last position of the log at that moment. */
  readonly head: number;
};

/** Reads the log of events. */
export type EventLog = {
  /** What is kept, as positions; `oldest` is `head` + 1 when nothing is. */
  readonly range: () => Promise<{ readonly oldest: number; readonly head: number }>;
  /** Throws POSITION_TOO_OLD or POSITION_AHEAD unless the log holds everything after a position. */
  readonly assertHolds: (after: number) => Promise<void>;
  /** The next events after a position. Throws POSITION_TOO_OLD when some of them are gone. */
  readonly stretch: (after: number, filter: EventFilter, limits: StretchLimits) => Promise<Stretch>;
  /** The next events of one customer or group after a revision, at most `events` of them. */
  readonly history: (
    aggregateId: string,
    afterRevision: number,
    types: readonly string[],
    limits: ReadLimits,
  ) => Promise<{ readonly events: readonly LoggedEvent[]; readonly isLast: boolean }>;
  readonly event: (aggregateId: string, revision: number) => Promise<LoggedEvent | undefined>;
  /** Resolves once everything committed before the call has its position; after 1 s all the same. */
  readonly settled: (signal: AbortSignal) => Promise<void>;
};

const SETTLE_WITHIN_MS = 1_000;

type SizedRow = LoggedRow & { readonly found: string };

/** Of a select named `matching`, what fits into a number of bytes, and how many there were before. */
const FITTING = `
  select * from (
    select *, count(*) over () as found,
           sum(octet_length(data)) over (order by position rows unbounded preceding) - octet_length(data) as before
      from matching) as sized
   where before < ?`;

const orNull = (values: readonly string[]): readonly string[] | null => (values.length === 0 ? null : values);

const tooOld = (oldest: number): DomainError =>
  new DomainError('POSITION_TOO_OLD', `The log begins at position ${oldest}`, {
    metadata: { oldest_position: String(oldest) },
  });

/** `wakeSequencer` is called when something is waited for. */
export const createEventLog = (knex: Knex, wakeSequencer: () => void): EventLog => {
  const range: EventLog['range'] = async () => {
    const { rows } = await statement<{ head: string; oldest: string | null }>(
      knex,
      'log_range',
      `select position as head, (select min(position) from customer_events) as oldest
         from event_cursors where name = 'log'`,
    );
    const head = Number(rows[0]?.head ?? 0);
    return { head, oldest: Number(rows[0]?.oldest ?? head + 1) };
  };

  const find: EventLog['event'] = async (aggregateId, revision) => {
    const { rows } = await statement<LoggedRow>(
      knex,
      'event_by_revision',
      `select ${LOGGED_COLUMNS} from customer_events where aggregate_id = ? and revision = ?::bigint`,
      [aggregateId, revision],
    );
    return rows[0] && loggedEvent(rows[0]);
  };

  const isWaiting = async (last: string): Promise<boolean> => {
    const { rows } = await statement<{ waiting: boolean }>(
      knex,
      'outbox_waiting',
      'select exists (select 1 from customer_outbox where id <= ?::bigint) as waiting',
      [last],
    );
    return rows[0]?.waiting === true;
  };

  return {
    range,
    event: find,
    assertHolds: async (after) => {
      const { oldest, head } = await range();
      if (after > head) {
        throw new DomainError('POSITION_AHEAD', `The log ends at position ${head}`, {
          metadata: { head_position: String(head) },
        });
      }
      if (after + 1 < oldest) throw tooOld(oldest);
    },
    stretch: async (after, { aggregate_ids, types }, { events: limit, bytes, span }) => {
      // One statement is one snapshot, so that head, rows and what is gone belong together.
      const { rows } = await statement<{ head: string; isHeld: boolean } & (SizedRow | { position: null })>(
        knex,
        'log_stretch',
        `select log.position as head,
                exists (select 1 from customer_events where position = ?::bigint + 1) as "isHeld", fitting.*
           from (select position from event_cursors where name = 'log') as log
           left join lateral (
             with matching as (
               select ${LOGGED_COLUMNS} from customer_events
                where position > ?::bigint and position <= ?::bigint
                  and (?::text[] is null or aggregate_id = any (?::text[]))
                  and (?::text[] is null or type = any (?::text[]))
                order by position limit ?)
             ${FITTING}) as fitting on true
          order by fitting.position`,
        [
          ...[after, after, after + span],
          ...[orNull(aggregate_ids), orNull(aggregate_ids), orNull(types), orNull(types)],
          ...[limit, bytes],
        ],
      );
      const head = Number(rows[0]?.head ?? 0);
      if (after < head && rows[0]?.isHeld !== true) throw tooOld((await range()).oldest);
      const found = rows.filter((row): row is typeof row & SizedRow => row.position !== null);
      const isWhole = found.length < limit && found.length === Number(found[0]?.found ?? 0);
      const last = Number(found.at(-1)?.position ?? after);
      return {
        events: found.map(loggedEvent),
        head,
        until: isWhole ? Math.max(after, Math.min(after + span, head)) : last,
      };
    },
    history: async (aggregateId, afterRevision, types, { events: limit, bytes }) => {
      const { rows } = await statement<SizedRow>(
        knex,
        'event_history',
        `with matching as (
           select ${LOGGED_COLUMNS} from customer_events
            where aggregate_id = ? and revision > ? and (?::text[] is null or type = any (?::text[]))
            order by revision limit ? + 1)
         ${FITTING} order by revision`,
        [aggregateId, afterRevision, orNull(types), orNull(types), limit, bytes],
      );
      const events = rows.slice(0, limit).map(loggedEvent);
      return { events, isLast: events.length === Number(rows[0]?.found ?? 0) };
    },
    settled: async (signal) => {
      const { rows } = await statement<{ last: string | null }>(
        knex,
        'outbox_last',
        'select max(id) as last from customer_outbox',
      );
      const last = rows[0]?.last ?? null;
      const giveUpAt = performance.now() + SETTLE_WITHIN_MS;
      for (let wait = 2; last !== null && performance.now() < giveUpAt; wait = Math.min(50, wait * 2)) {
        wakeSequencer();
        // A caller who is gone has not met a bug: the reason of the signal says so, an AbortError would not.
        await delay(wait, undefined, { signal }).catch(() => signal.throwIfAborted());
        if (!(await isWaiting(last))) return;
      }
    },
  };
};
