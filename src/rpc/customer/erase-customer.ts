import { z } from 'zod';
import { StepRefused } from '../../changes/batch';
import { eraseTraces } from '../../changes/erase';
import type { UnaryHandler } from '../../context';
import { customerNotFound } from '../../errors';
import { EraseCustomerResponse, type EraseCustomerRequest } from '../../gen/customer/v1/customer';
import type { CustomerRow } from '../../models/customer';
import { expectedRevision, id, requestId } from '../../validation/fields';
import { validate } from '../../validation/validate';

const schema = z.object({ id: id('cus'), expected_revision: expectedRevision(), request_id: requestId() });

/** Everything personal goes, in a transaction of its own; id, revisions, types, positions and times stay. */
export const eraseCustomer: UnaryHandler<EraseCustomerRequest, EraseCustomerResponse> = async (ctx, raw, call) => {
  const request = validate(schema, raw);
  let revision = 0;
  let email = '';
  const response = await ctx.changes
    .runSequence<EraseCustomerResponse>({
      call,
      identity: { rpc: 'EraseCustomer', request },
      reply: EraseCustomerResponse,
      customers: [request.id],
      needs: { addresses: true, groups: true },
      steps: [
        (draft) => {
          const state = draft.find(request.id);
          if (state === undefined) throw customerNotFound(request.id);
          ({ revision } = state.customer);
          if (state.customer.erased_at !== null) return;
          email = state.customer.email ?? '';
          draft.expect(state.customer, request.expected_revision);
          const customer = erased(state.customer, draft.now);
          ({ revision } = draft.save({ customer, addresses: [], group_ids: [] }));
        },
      ],
      also: (send) => {
        eraseTraces(send, request.id);
        ctx.logins.clearWithin(send, email);
      },
      answer: () => ({ revision }),
    })
    .catch((error: unknown) => {
      throw error instanceof StepRefused ? error.refusal : error;
    });
  ctx.eventTail.forget();
  return response;
};

const erased = (customer: CustomerRow, now: Date): CustomerRow => ({
  ...customer,
  email: null,
  first_name: null,
  last_name: null,
  phone: null,
  has_account: false,
  password_hash: null,
  external_id: null,
  billing_address_id: null,
  shipping_address_id: null,
  metadata: {},
  deleted_at: customer.deleted_at ?? now,
  erased_at: now,
});
