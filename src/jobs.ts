import type { Knex } from 'knex';
import { forgetReplies } from './changes/forget-replies';
import { removeMemberships } from './changes/remove-memberships';
import type { Config } from './config';
import { removeOldEvents, removeOldReplays } from './events/retention';
import type { Job } from './housekeeping';
import { forgetLogins } from './security/forget-logins';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** What is done in the background by every process that relays: one more is one more line. */
export const jobsOf = (knex: Knex, { eventRetentionDays, idempotencyRetentionHours }: Config): readonly Job[] => [
  ...(eventRetentionDays === 0
    ? []
    : [{ name: 'old events', everyMs: MINUTE, run: () => removeOldEvents(knex, eventRetentionDays) }]),
  { name: 'memberships of deleted groups', everyMs: SECOND, run: () => removeMemberships(knex) },
  { name: 'kept answers', everyMs: MINUTE, run: () => forgetReplies(knex, idempotencyRetentionHours) },
  { name: 'old replays', everyMs: MINUTE, run: () => removeOldReplays(knex) },
  { name: 'old counts of logins', everyMs: MINUTE, run: () => forgetLogins(knex) },
];
