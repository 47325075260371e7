import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { DomainError } from '../../errors';
import { ResetPasswordResponse, type ResetPasswordRequest } from '../../gen/customer/v1/customer';
import { toCustomer } from '../../models/customer';
import { idPattern } from '../../models/ids';
import { claimedCustomer, isResetToken } from '../../security/reset-tokens';
import { password, requestId, requiredText } from '../../validation/fields';
import { schemaBy, validate } from '../../validation/validate';

const schema = schemaBy((minPassword: number) =>
  z.object({ token: requiredText(4_096), password: password(minPassword), request_id: requestId() }),
);

const invalidToken = (): DomainError => new DomainError('RESET_TOKEN_INVALID', 'The token is not valid');

/** Sets a password by a token. The decision verifies it again against the locked row: of two resets one wins. */
export const resetPassword: UnaryHandler<ResetPasswordRequest, ResetPasswordResponse> = async (ctx, raw, call) => {
  const request = validate(schema(ctx.config.passwordMinLength), raw);
  const customer_id = claimedCustomer(request.token);
  if (customer_id === undefined || !idPattern('cus').test(customer_id)) throw invalidToken();
  const work = {
    call,
    identity: { rpc: 'ResetPassword', request },
    reply: ResetPasswordResponse,
    customers: [customer_id],
    replyWhenErased: (): ResetPasswordResponse => {
      throw invalidToken();
    },
  };
  const first = await ctx.changes.replay<ResetPasswordResponse>(work);
  if (first !== undefined) return first;
  const { tokenSecrets } = ctx.config;
  const row = await ctx.reads.customer(customer_id);
  if (
    row === undefined ||
    row.password_hash === null ||
    !isResetToken(tokenSecrets, row.password_hash, request.token)
  ) {
    throw invalidToken();
  }
  const password_hash = await ctx.passwords.hash(request.password, call);
  const response = await ctx.changes.run<ResetPasswordResponse>({
    ...work,
    decide: (draft) => {
      const state = draft.find(customer_id);
      const current = state?.customer.password_hash;
      if (state === undefined || state.customer.deleted_at !== null || current === null || current === undefined)
        throw invalidToken();
      if (!isResetToken(tokenSecrets, current, request.token)) throw invalidToken();
      return { customer: toCustomer(draft.save({ ...state, customer: { ...state.customer, password_hash } })) };
    },
  });
  await ctx.logins.clear(response.customer?.email ?? '');
  return response;
};
