import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { DomainError } from '../../errors';
import {
  GenerateResetPasswordTokenResponse,
  type GenerateResetPasswordTokenRequest,
} from '../../gen/customer/v1/customer';
import { toTimestamp } from '../../models/timestamp';
import { makeResetToken, RESET_TOKEN_SECONDS } from '../../security/reset-tokens';
import { expectedRevision, id, requestId } from '../../validation/fields';
import { validate } from '../../validation/validate';

const schema = z.object({ customer_id: id('cus'), expected_revision: expectedRevision(), request_id: requestId() });

/** The seed's generateResetPasswordToken; the token is never stored, a replay makes it again from the first `iat`. */
export const generateResetPasswordToken: UnaryHandler<
  GenerateResetPasswordTokenRequest,
  GenerateResetPasswordTokenResponse
> = async (ctx, raw, call) => {
  const request = validate(schema, raw);
  const { customer_id } = request;
  const kept = await ctx.changes.run<GenerateResetPasswordTokenResponse>({
    call,
    identity: { rpc: 'GenerateResetPasswordToken', request },
    reply: GenerateResetPasswordTokenResponse,
    customers: [customer_id],
    decide: (draft) => {
      const state = draft.customer(customer_id, request.expected_revision);
      if (state.customer.password_hash === null) throw hasNoAccount();
      const iat = Math.floor(draft.now.getTime() / 1_000);
      const expires_at = new Date((iat + RESET_TOKEN_SECONDS) * 1_000);
      const { revision } = draft.save(state, { type: 'customer.password_reset', expires_at });
      return { token: '', expires_at: toTimestamp(expires_at), revision };
    },
  });
  return { ...kept, token: await tokenOf(ctx, customer_id, kept) };
};

const hasNoAccount = (): DomainError =>
  new DomainError('CUSTOMER_HAS_NO_ACCOUNT', 'You must have an account to reset the password. Create an account first');

/** Only while the customer is alive, its password is older than the token, and the token has not expired. */
const tokenOf = async (
  ctx: Parameters<typeof generateResetPasswordToken>[0],
  customer_id: string,
  { expires_at, revision }: GenerateResetPasswordTokenResponse,
): Promise<string> => {
  const row = await ctx.reads.customer(customer_id);
  const expiresAt = expires_at?.seconds ?? 0;
  const isGood = row !== undefined && (row.password_revision ?? 0) < revision && expiresAt * 1_000 > Date.now();
  if (!isGood || row.password_hash === null) {
    throw new DomainError('RESET_TOKEN_INVALID', 'The token is not valid');
  }
  return makeResetToken(ctx.config.tokenSecrets[0], row.password_hash, customer_id, expiresAt - RESET_TOKEN_SECONDS);
};
