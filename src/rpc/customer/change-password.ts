import { z } from 'zod';
import type { Work } from '../../changes/work';
import type { Context, UnaryHandler } from '../../context';
import { DomainError } from '../../errors';
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

type Request = z.output<ReturnType<typeof schema>>;

/** Sets a password by the current one. What was repeated is answered before anything is compared. */
export const changePassword: UnaryHandler<ChangePasswordRequest, ChangePasswordResponse> = async (ctx, raw, call) => {
  const request = validate(schema(ctx.config.passwordMinLength), raw);
  const work = {
    call,
    identity: { rpc: 'ChangePassword', request },
    reply: ChangePasswordResponse,
    customers: [request.customer_id],
  };
  const response = (await ctx.changes.replay<ChangePasswordResponse>(work)) ?? (await change(ctx, request, work));
  await ctx.logins.clear(response.customer?.email ?? '');
  return response;
};

/** The hash is no longer the one that the current password was compared with. */
class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

/** How often a call starts over because somebody else has set the password while it was compared. */
const TRIES = 3;

/** Compares before the change: a decision does no slow work. It checks that the hash is still the same. */
const change = async (
  ctx: Context,
  request: Request,
  work: Omit<Work<ChangePasswordResponse>, 'decide'>,
  tries = 1,
): Promise<ChangePasswordResponse> => {
  const { customer_id, current_password, new_password, expected_revision } = request;
  // Whoever has no hash is refused by the decision, which knows guests, deleted and erased customers from each other.
  const compared = (await ctx.reads.customer(customer_id))?.password_hash ?? null;
  const isRight = compared !== null && (await ctx.passwords.matches(current_password, compared, work.call));
  const password_hash = isRight ? await ctx.passwords.hash(new_password, work.call) : compared;
  try {
    return await ctx.changes.run<ChangePasswordResponse>({
      ...work,
      decide: (draft) => {
        const state = draft.customer(customer_id, expected_revision);
        if (state.customer.password_hash !== compared) throw new Overtaken();
        if (compared === null) throw new DomainError('CUSTOMER_HAS_NO_ACCOUNT', 'The customer has no account');
        if (!isRight) throw new DomainError('PASSWORD_MISMATCH', 'The current password is not right');
        return { customer: toCustomer(draft.save({ ...state, customer: { ...state.customer, password_hash } })) };
      },
    });
  } catch (error) {
    if (!(error instanceof Overtaken)) throw error;
    if (tries < TRIES) return change(ctx, request, work, tries + 1);
    throw new DomainError(
      'TRANSACTION_CONFLICT',
      'The password was set by others each time it was compared, try again',
    );
  }
};
