import { z } from 'zod';
import type { Call, Context, UnaryHandler } from '../../context';
import { AuthenticateCustomerResponse, type AuthenticateCustomerRequest } from '../../gen/customer/v1/customer';
import { toCustomer, type CustomerRow } from '../../models/customer';
import { email, givenPassword, LIMITS, text } from '../../validation/fields';
import { validate } from '../../validation/validate';

const schema = z.object({ email: email(), password: givenPassword(), source: text(LIMITS.name) });

const refused = (seconds: number): AuthenticateCustomerResponse => ({
  authenticated: false,
  customer: undefined,
  retry_after: seconds === 0 ? undefined : { seconds, nanos: 0 },
});

/**
 * The seed's authenticate, throttled. The attempt is counted and the lock looked at before the hash, so that a burst
 * counts in full; a wrong password, an unknown e-mail and a guest cost the same work and get the same answer.
 */
export const authenticateCustomer: UnaryHandler<AuthenticateCustomerRequest, AuthenticateCustomerResponse> = async (
  ctx,
  raw,
  call,
) => {
  const request = validate(schema, raw);
  const locked = await ctx.logins.attempt(request.email, request.source);
  if (locked > 0) return refused(locked);
  const row = await ctx.reads.registeredByEmail(request.email);
  const matches = await ctx.passwords.matches(request.password, row?.password_hash ?? undefined, call);
  if (row === undefined || !matches) {
    const seconds = await ctx.logins.failed(request.email, request.source);
    if (seconds > 0 && row !== undefined) await tellLocked(ctx, call, row, seconds);
    return refused(seconds);
  }
  await ctx.logins.clear(request.email);
  await rehash(ctx, call, row, request.password);
  return { authenticated: true, customer: toCustomer(row), retry_after: undefined };
};

/** An internal change: not repeatable by a caller, answering nothing. */
const internal = (call: Call, id: string) => ({
  call,
  identity: { rpc: 'AuthenticateCustomer', request: { request_id: '' } },
  reply: AuthenticateCustomerResponse,
  customers: [id],
});

const tellLocked = (ctx: Context, call: Call, { id }: CustomerRow, seconds: number): Promise<unknown> =>
  ctx.changes.run({
    ...internal(call, id),
    decide: (draft) => {
      const state = draft.find(id);
      if (state?.customer.deleted_at === null) {
        draft.save(state, { type: 'customer.locked', retry_after: `${seconds}s` });
      }
      return refused(seconds);
    },
  });

/** A hash of another cost is made anew while the password is at hand: no event, no revision. */
const rehash = async (ctx: Context, call: Call, row: CustomerRow, password: string): Promise<void> => {
  if (row.password_hash === null || !ctx.passwords.isOutdated(row.password_hash)) return;
  const password_hash = await ctx.passwords.hash(password, call);
  await ctx.changes.run({
    ...internal(call, row.id),
    decide: (draft) => {
      if (draft.find(row.id)?.customer.password_hash === row.password_hash) draft.rehash(row.id, password_hash);
      return refused(0);
    },
  });
};
