import type { Pool } from 'pg';
import { makeResetToken, RESET_TOKEN_SECONDS } from '../security/reset-tokens';
import type { LoggedEvent } from './logged-event';

/** The reset tokens that a run of events tells of, made anew: those that are still good, in the order of their events. */
export type ResetTokens = (
  events: readonly LoggedEvent[],
) => Promise<readonly { readonly event: LoggedEvent; readonly token: string }[]>;

type Holder = { readonly id: string; readonly password_hash: string; readonly password_revision: number | null };

/** Milliseconds since the epoch; NaN for an event that was erased. */
const expiryOf = ({ data }: LoggedEvent): number =>
  Date.parse((JSON.parse(data) as { readonly expires_at?: string }).expires_at ?? '');

/**
 * Makes the token of a `customer.password_reset` when it is published, so that it is never stored: only while the
 * customer is alive, has set no password since, and the token has not expired. `secret` must be the one that the
 * service signs with.
 */
export const createResetTokens =
  (pool: Pool, secret: string): ResetTokens =>
  async (events) => {
    const now = Date.now();
    const resets = events
      .filter(({ type }) => type === 'customer.password_reset')
      .filter((event) => expiryOf(event) > now);
    if (resets.length === 0) return [];
    const { rows } = await pool.query<Holder>({
      name: 'reset_holders',
      text: `select id, password_hash, password_revision from customers
              where id = any($1) and deleted_at is null and password_hash is not null`,
      values: [[...new Set(resets.map((event) => event.aggregate_id))]],
    });
    const holders = new Map(rows.map((row) => [row.id, row]));
    return resets.flatMap((event) => {
      const holder = holders.get(event.aggregate_id);
      if (holder === undefined || (holder.password_revision ?? 0) >= event.revision) return [];
      const iat = expiryOf(event) / 1_000 - RESET_TOKEN_SECONDS;
      return [{ event, token: makeResetToken(secret, holder.password_hash, holder.id, iat) }];
    });
  };
