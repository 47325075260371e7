import type { Knex } from 'knex';
import type { Config } from './config';
import { removeOldEvents, removeOldReplays } from './events/retention';
import type { Job } from './housekeeping';
import { forgetLogins } from './security/forget-logins';

const MINUTE = 60_000;

/** What is done in the background by every process that relays: one more is one more line. */
export const jobsOf = (knex: Knex, { eventRetentionDays }: Config): readonly Job[] => [
  ...(eventRetentionDays === 0
    ? []
    : [{ name: 'old events', everyMs: MINUTE, run: () => removeOldEvents(knex, eventRetentionDays) }]),
  { name: 'old replays', everyMs: MINUTE, run: () => removeOldReplays(knex) },
  { name: 'old counts of logins', everyMs: MINUTE, run: () => forgetLogins(knex) },
];
