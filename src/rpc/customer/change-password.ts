import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { customerNotFound, DomainError } from '../../errors';
import { ChangePasswordResponse, type ChangePasswordRequest } from '../../gen/customer/v1/customer';
import { toCustomer } from '../../models/customer';
import { expectedRevision, givenPassword, id, password, requestId } from '../../validation/fields';
import { schemaBy, validate } from '../../validation/validate';

const schema = schemaBy((minPassword: number) =>
  z.object({
    customer_id: id('cus'),
    current_password: givenPassword(),
    new_password: password(minPassword),
    expected_revision: expectedRevision(),
    request_id: requestId(),
  }),
);

/** How often a call starts over because the password was set by somebody else while it was compared. */
const TRIES = 3;

/** Sets a password by the current one: compared before the change, and the decision checks that the hash is still the same. */
export const changePassword: UnaryHandler<ChangePasswordRequest, ChangePasswordResponse> = async (ctx, raw, call) => {
  const request = validate(schema(ctx.config.passwordMinLength), raw);
  const { customer_id } = request;
  const work = {
    call,
    identity: { rpc: 'ChangePassword', request },
    reply: ChangePasswordResponse,
    customers: [customer_id],
  };
  const first = await ctx.changes.replay<ChangePasswordResponse>(work);
  if (first !== undefined) return first;
  for (let tries = 1; ; tries += 1) {
    // What cannot be compared is refused by the decision, which knows deleted from erased and revisions from each other.
    const current = (await ctx.reads.customer(customer_id))?.password_hash ?? null;
    const matches = current !== null && (await ctx.passwords.matches(request.current_password, current, call));
    const password_hash = matches ? await ctx.passwords.hash(request.new_password, call) : '';
    let isOvertaken = false;
    const response = await ctx.changes
      .run<ChangePasswordResponse>({
        ...work,
        decide: (draft) => {
          const state = draft.customer(customer_id, request.expected_revision);
          isOvertaken = state.customer.password_hash !== current;
          if (isOvertaken && tries < TRIES) throw customerNotFound(customer_id);
          if (state.customer.password_hash === null) {
            throw new DomainError('CUSTOMER_HAS_NO_ACCOUNT', 'The customer has no account');
          }
          if (!matches || isOvertaken) throw new DomainError('PASSWORD_MISMATCH', 'The current password is not right');
          return { customer: toCustomer(draft.save({ ...state, customer: { ...state.customer, password_hash } })) };
        },
      })
      .catch((error: unknown) => {
        if (isOvertaken && tries < TRIES) return undefined;
        throw error;
      });
    if (response === undefined) continue;
    await ctx.logins.clear(response.customer?.email ?? '');
    return response;
  }
};
