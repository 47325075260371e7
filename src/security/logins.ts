import { createHmac } from 'node:crypto';
import type { Knex } from 'knex';
import type { Config } from '../config';
import { prepare, type Pipeline } from '../db/pipeline';
import { statement } from '../db/statement';
import { createGate, type Patience } from './gate';

/** A lock that an attempt ran into, or set. */
export type Lock = {
  /** Whole seconds until it ends, at least 1. */
  readonly seconds: number;
  /** It was set just now: this is for the one attempt that filled a counter, or found it full. */
  readonly isNew: boolean;
};

/**
 * Counts logins that have not succeeded, in the database, for all instances together: per (e-mail, source) and per
 * e-mail. Any e-mail counts, known or not. E-mails are kept as an HMAC only.
 */
export type Logins = {
  /**
   * Counts an attempt before anything is compared; undefined when it may be compared. One that is locked out is not
   * counted, so that a locked source does not lock its e-mail for the others. Throws like a Gate: a flood of attempts
   * holds few connections, so that reads find one.
   */
  readonly attempt: (email: string, source: string, patience: Patience) => Promise<Lock | undefined>;
  /** Takes an attempt back that was counted but never compared. */
  readonly takeBack: (email: string, source: string) => Promise<void>;
  /** Locks what has failed too often by now; undefined when nothing was to be locked. */
  readonly failed: (email: string, source: string) => Promise<Lock | undefined>;
  /** Forgets all counters and locks of a folded e-mail, whatever the source. */
  readonly clear: (email: string) => Promise<void>;
  /** The same as a part of a transaction. */
  readonly clearWithin: (send: Pipeline['send'], email: string) => void;
};

/** An e-mail is locked for every source after ten times the failures of one. */
const EMAIL_FACTOR = 10;
const MAX_LOCK_SECONDS = 3_600;

/** A counter that was not touched for this long starts anew, whether its row was deleted or not. Longer than any lock. */
const FORGOTTEN_AFTER = `interval '1 day'`;

/** The first lock of a key takes LOGIN_LOCK_SECONDS (the binding), each further one twice as long. */
const LOCKED_UNTIL = `now() + least(${MAX_LOCK_SECONDS}, ? * power(2, least(counter.locks, 12))) * interval '1 second'`;

/**
 * What an attempt does to a counter that is there: nothing while it is locked; a full one is locked, because the
 * attempts that filled it are being compared still, or were lost with their process. Bindings: max failures, seconds.
 */
const COUNT = `
  (failures, locks, locked_until, updated_at) = (
    select case state when 'locked' then counter.failures when 'full' then 0 when 'old' then 1 else counter.failures + 1 end,
           case state when 'full' then counter.locks + 1 when 'old' then 0 else counter.locks end,
           case state when 'locked' then counter.locked_until when 'full' then ${LOCKED_UNTIL} end,
           case state when 'locked' then counter.updated_at else now() end
      from (select case when counter.locked_until > now() then 'locked'
                        when counter.updated_at < now() - ${FORGOTTEN_AFTER} then 'old'
                        when counter.failures >= ? then 'full'
                        else 'open' end as state) as seen)`;

/** The seconds a counter is locked for, null when it is not; a lock as old as its last count was set by that. */
const LOCK = `ceil(extract(epoch from locked_until - now()))::int as seconds, updated_at = now() as is_new`;

/**
 * Who is locked out already is told so by a plain read. The e-mail counts only what its pair let through. Counters are
 * always locked in this order, pairs by key and then the e-mail, so that no two statements wait for each other.
 */
const ATTEMPT = `
  with locks as (
    select ${LOCK} from login_counters where key in (?, ?) and locked_until > now()
  ), pair as (
    insert into login_counters as counter (key, email_key, failures)
    select ?, ?, 1 where not exists (select from locks)
    on conflict (key) do update set ${COUNT}
    returning ${LOCK}
  ), whole as (
    insert into login_counters as counter (key, email_key, failures)
    select ?, ?, 1 from pair where pair.seconds is null
    on conflict (key) do update set ${COUNT}
    returning ${LOCK}
  )
  select seconds, false as is_new from locks
  union all select seconds, is_new from pair where seconds is not null
  union all select seconds, is_new from whole where seconds is not null`;

const IN_ORDER = `order by key = email_key, key for update`;

const FAILED = `
  with held as (select key from login_counters where key in (?, ?) ${IN_ORDER})
  update login_counters as counter
     set failures = 0, locks = locks + 1, updated_at = now(), locked_until = ${LOCKED_UNTIL}
    from held
   where counter.key = held.key and failures >= case when counter.key = email_key then ?::int else ?::int end
     and (locked_until is null or locked_until <= now())
  returning ${LOCK}`;

const TAKE_BACK = `
  with held as (select key from login_counters where key in (?, ?) ${IN_ORDER})
  update login_counters as counter set failures = greatest(failures - 1, 0) from held where counter.key = held.key`;

const CLEAR = `
  delete from login_counters
   where key in (select key from login_counters where email_key = any(?::bytea[]) ${IN_ORDER})`;
const CLEAR_LOGINS = prepare('clear_logins', CLEAR);

type Row = { readonly seconds: number; readonly is_new: boolean };

/** The longest lock, new when any is. */
const longest = (rows: readonly Row[]): Lock | undefined =>
  rows.length === 0
    ? undefined
    : { seconds: Math.max(1, ...rows.map((row) => row.seconds)), isNew: rows.some((row) => row.is_new) };

/** Attempts in the database at a time, of all the connections of the pool, and how many may wait for that. */
const AT_ONCE = 4;
const MAX_WAITING = 1_000;
const TEXTS = {
  late: 'The deadline passed before the login could be counted',
  full: 'Too many logins are waiting to be counted, try again',
};

export const createLogins = (
  knex: Knex,
  config: Pick<Config, 'tokenSecrets' | 'loginMaxFailures' | 'loginLockSeconds'>,
): Logins => {
  const keyBy = (secret: string, parts: readonly string[]): Buffer =>
    createHmac('sha256', secret)
      .update(JSON.stringify(['login', ...parts]))
      .digest();
  const keysOf = (email: string, source: string) => ({
    pair: keyBy(config.tokenSecrets[0], [email, source]),
    whole: keyBy(config.tokenSecrets[0], [email]),
  });
  /** A counter may have been made under a secret that was the first one then. */
  const emailKeysOf = (email: string): Buffer[] => config.tokenSecrets.map((secret) => keyBy(secret, [email]));
  const gate = createGate(AT_ONCE, MAX_WAITING, TEXTS);
  const seconds = config.loginLockSeconds;
  const max = { pair: config.loginMaxFailures, whole: config.loginMaxFailures * EMAIL_FACTOR };

  return {
    attempt: async (email, source, patience) => {
      const { pair, whole } = keysOf(email, source);
      const { rows } = await gate.inTurn(patience, () =>
        statement<Row>(knex, 'count_login', ATTEMPT, [
          ...[pair, whole],
          ...[pair, whole, seconds, max.pair],
          ...[whole, whole, seconds, max.whole],
        ]),
      );
      return longest(rows);
    },
    takeBack: async (email, source) => {
      const { pair, whole } = keysOf(email, source);
      const patience = { deadline: Infinity, signal: new AbortController().signal };
      await gate.inTurn(patience, () => statement(knex, 'take_login_back', TAKE_BACK, [pair, whole]));
    },
    failed: async (email, source) => {
      const { pair, whole } = keysOf(email, source);
      const { rows } = await statement<Row>(knex, 'lock_login', FAILED, [pair, whole, seconds, max.whole, max.pair]);
      return longest(rows);
    },
    clear: async (email) => {
      await statement(knex, CLEAR_LOGINS.name, CLEAR, [emailKeysOf(email)]);
    },
    clearWithin: (send, email) => void send(CLEAR_LOGINS, [emailKeysOf(email)]),
  };
};
