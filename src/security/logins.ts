import { createHmac } from 'node:crypto';
import type { Knex } from 'knex';
import type { Config } from '../config';
import { statement } from '../db/statement';

/** Counts failed logins, in the database, for all instances together. E-mails are kept as an HMAC only. */
export type Logins = {
  /** Counts an attempt before anything is compared; the seconds it is locked for, 0 when it may be compared. */
  readonly attempt: (email: string, source: string) => Promise<number>;
  /** Locks what has failed too often by now; the seconds, 0 when nothing was locked. */
  readonly failed: (email: string, source: string) => Promise<number>;
  /** Forgets all counters and locks of an e-mail, whatever the source. */
  readonly clear: (email: string) => Promise<void>;
};

/** An e-mail is locked for every source after ten times the failures of one. */
const EMAIL_FACTOR = 10;
const MAX_LOCK_SECONDS = 3_600;

export const createLogins = (
  knex: Knex,
  config: Pick<Config, 'tokenSecrets' | 'loginMaxFailures' | 'loginLockSeconds'>,
): Logins => {
  const keyOf = (...parts: readonly string[]): Buffer =>
    createHmac('sha256', config.tokenSecrets[0]).update(parts.join('\n')).digest();
  const keysOf = (email: string, source: string) => {
    const whole = keyOf('email', email);
    return { whole, keys: [keyOf('pair', email, source), whole].sort((a, b) => a.compare(b)) };
  };
  const limitOf = (key: Buffer, whole: Buffer): number =>
    config.loginMaxFailures * (key.equals(whole) ? EMAIL_FACTOR : 1);

  return {
    attempt: async (email, source) => {
      const { whole, keys } = keysOf(email, source);
      const { rows } = await statement<{ locked: number }>(
        knex,
        'count_login',
        `insert into login_counters as counter (key, email_key, failures)
         select key, ?, 1 from unnest(?::bytea[]) as given (key)
         on conflict (key) do update set failures = counter.failures + 1, updated_at = now()
         returning case when locked_until > now() then ceil(extract(epoch from locked_until - now()))::int
                        when failures > (select max_failures from unnest(?::bytea[], ?::int[]) as limits (key, max_failures)
                                          where limits.key = counter.key) then ?::int
                        else 0 end as locked`,
        [whole, keys, keys, keys.map((key) => limitOf(key, whole)), config.loginLockSeconds],
      );
      return Math.max(0, ...rows.map((row) => row.locked));
    },
    failed: async (email, source) => {
      const { whole, keys } = keysOf(email, source);
      const { rows } = await statement<{ seconds: number }>(
        knex,
        'lock_login',
        `update login_counters as counter
            set failures = 0, locks = locks + 1, updated_at = now(),
                locked_until = now() + least(?::int, ?::int * power(2, least(locks, 20))) * interval '1 second'
           from unnest(?::bytea[], ?::int[]) as limits (key, max_failures)
          where counter.key = limits.key and failures >= max_failures
            and (locked_until is null or locked_until <= now())
          returning ceil(extract(epoch from locked_until - now()))::int as seconds`,
        [MAX_LOCK_SECONDS, config.loginLockSeconds, keys, keys.map((key) => limitOf(key, whole))],
      );
      return Math.max(0, ...rows.map((row) => row.seconds));
    },
    clear: async (email) => {
      await statement(knex, 'clear_logins', 'delete from login_counters where email_key = ?', [keyOf('email', email)]);
    },
  };
};
