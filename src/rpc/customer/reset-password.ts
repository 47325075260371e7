import { z } from 'zod';
import type { Work } from '../../changes/work';
import type { Context, UnaryHandler } from '../../context';
import { DomainError } from '../../errors';
import { ResetPasswordResponse, type ResetPasswordRequest } from '../../gen/customer/v1/customer';
import { toCustomer, type CustomerRow } from '../../models/customer';
import { idPattern } from '../../models/ids';
import { claimedCustomer, isResetToken } from '../../security/reset-tokens';
import { password, requestId, requiredText } from '../../validation/fields';
import { schemaBy, validate } from '../../validation/validate';

const schema = schemaBy((minPassword: number) =>
  z.object({ token: requiredText(4_096), password: password(minPassword), request_id: requestId() }),
);

const invalidToken = (): DomainError => new DomainError('RESET_TOKEN_INVALID', 'The token is not valid');

type Request = z.output<ReturnType<typeof schema>>;

/** Sets a password by a token. What was repeated is answered before the token is looked at: it is used by then. */
export const resetPassword: UnaryHandler<ResetPasswordRequest, ResetPasswordResponse> = async (ctx, raw, call) => {
  const request = validate(schema(ctx.config.passwordMinLength), raw);
  const customer_id = claimedCustomer(request.token);
  if (customer_id === undefined || !idPattern('cus').test(customer_id)) throw invalidToken();
  const work = {
    call,
    identity: { rpc: 'ResetPassword', request },
    reply: ResetPasswordResponse,
    customers: [customer_id] as const,
    replyWhenErased: (): never => {
      throw invalidToken();
    },
  };
  const response = (await ctx.changes.replay<ResetPasswordResponse>(work)) ?? (await reset(ctx, request, work));
  await ctx.logins.clear(response.customer?.email ?? '');
  return response;
};

/** The token is verified before the hash is made, and again by the decision against the locked row: of two resets one wins. */
const reset = async (
  ctx: Context,
  { token, password }: Request,
  work: Omit<Work<ResetPasswordResponse>, 'decide'> & { readonly customers: readonly [string] },
): Promise<ResetPasswordResponse> => {
  const [customer_id] = work.customers;
  const isGoodFor = (row: CustomerRow | undefined): boolean =>
    row?.deleted_at === null &&
    row.password_hash !== null &&
    isResetToken(ctx.config.tokenSecrets, row.password_hash, token);
  // A bad one is refused by the decision: a double that came while the first was running must get its answer there.
  const isGood = isGoodFor(await ctx.reads.customer(customer_id));
  const password_hash = isGood ? await ctx.passwords.hash(password, work.call) : null;
  return ctx.changes.run<ResetPasswordResponse>({
    ...work,
    decide: (draft) => {
      const state = draft.find(customer_id);
      if (state === undefined || !isGood || !isGoodFor(state.customer)) throw invalidToken();
      return { customer: toCustomer(draft.save({ ...state, customer: { ...state.customer, password_hash } })) };
    },
  });
};
