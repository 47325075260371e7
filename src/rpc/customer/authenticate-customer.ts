import { z } from 'zod';
import type { Call, Context, UnaryHandler } from '../../context';
import { AuthenticateCustomerResponse, type AuthenticateCustomerRequest } from '../../gen/customer/v1/customer';
import { toCustomer, type CustomerRow } from '../../models/customer';
import { tooManyWait } from '../../security/gate';
import type { Lock } from '../../security/logins';
import { email, givenPassword, LIMITS, text } from '../../validation/fields';
import { validate } from '../../validation/validate';

const schema = z.object({ email: email(), password: givenPassword(), source: text(LIMITS.name) });

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
  if (ctx.passwords.isFull()) throw tooManyWait();
  const locked = await ctx.logins.attempt(request.email, request.source, call);
  if (locked !== undefined) return refusedBy(ctx, call, request.email, locked);
  const row = await ctx.reads.registeredByEmail(request.email);
  if (!(await matches(ctx, call, request, row)) || row === undefined) {
    const lock = await ctx.logins.failed(request.email, request.source);
    return lock === undefined ? NO : refusedBy(ctx, call, request.email, lock);
  }
  await ctx.logins.clear(request.email);
  await rehash(ctx, call, row, request.password);
  return { authenticated: true, customer: toCustomer(row), retry_after: undefined };
};

const NO: AuthenticateCustomerResponse = { authenticated: false, customer: undefined, retry_after: undefined };

/** An attempt whose password was not compared after all, because too many wait or the caller is gone, has not failed. */
const matches = (
  ctx: Context,
  call: Call,
  { email, password, source }: z.output<typeof schema>,
  row: CustomerRow | undefined,
): Promise<boolean> =>
  ctx.passwords.matches(password, row?.password_hash ?? undefined, call).catch(async (error: unknown) => {
    await ctx.logins.takeBack(email, source).catch(() => undefined);
    throw error;
  });

/** Tells of a new lock without waiting for it: the time of the answer would give away which e-mails are registered. */
const refusedBy = (ctx: Context, call: Call, email: string, lock: Lock): AuthenticateCustomerResponse => {
  if (lock.isNew) {
    tellLocked(ctx, call, email, lock).catch((error: unknown) => {
      ctx.log.error({ err: error, call_id: call.id }, 'a lock was not told of');
    });
  }
  return { ...NO, retry_after: { seconds: lock.seconds, nanos: 0 } };
};

/** An internal change: not repeatable by a caller, answering nothing. */
const internal = (call: Call, id: string) => ({
  call,
  identity: { rpc: 'AuthenticateCustomer', request: { request_id: '' } },
  reply: AuthenticateCustomerResponse,
  customers: [id],
});

/** The caller may be gone by then, so that the event has a deadline of its own. */
const TELL_WITHIN_MS = 5_000;

const tellLocked = async (ctx: Context, call: Call, email: string, { seconds }: Lock): Promise<void> => {
  const row = await ctx.reads.registeredByEmail(email);
  if (row === undefined) return;
  await ctx.changes.run({
    ...internal({ ...call, deadline: Date.now() + TELL_WITHIN_MS }, row.id),
    decide: (draft) => {
      const state = draft.find(row.id);
      if (state?.customer.deleted_at === null) {
        draft.save(state, { type: 'customer.locked', retry_after: `${seconds}s` });
      }
      return NO;
    },
  });
};

/**
 * A hash of another cost or kind is made anew while the password is at hand: no event, no revision. The login is good
 * whether that succeeds or not; the next one tries again.
 */
const rehash = async (ctx: Context, call: Call, row: CustomerRow, password: string): Promise<void> => {
  if (row.password_hash === null || !ctx.passwords.isOutdated(row.password_hash)) return;
  try {
    const password_hash = await ctx.passwords.hash(password, call);
    await ctx.changes.run({
      ...internal(call, row.id),
      decide: (draft) => {
        if (draft.find(row.id)?.customer.password_hash === row.password_hash) draft.rehash(row.id, password_hash);
        return NO;
      },
    });
  } catch (error) {
    ctx.log.warn({ err: error, call_id: call.id }, 'a password was not hashed anew');
  }
};
