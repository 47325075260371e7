import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { DeleteCustomerResponse, type DeleteCustomerRequest } from '../../gen/customer/v1/customer';
import { toCustomer } from '../../models/customer';
import { expectedRevision, id, requestId } from '../../validation/fields';
import { validate } from '../../validation/validate';

const schema = z.object({ id: id('cus'), expected_revision: expectedRevision(), request_id: requestId() });

/** The seed's delete: soft, and silent where there is nothing to delete. */
export const deleteCustomer: UnaryHandler<DeleteCustomerRequest, DeleteCustomerResponse> = async (ctx, raw, call) => {
  const request = validate(schema, raw);
  return ctx.changes.run({
    call,
    identity: { rpc: 'DeleteCustomer', request },
    reply: DeleteCustomerResponse,
    customers: [request.id],
    replyWhenErased: () => ({ customer: undefined }),
    decide: (draft) => {
      const state = draft.find(request.id);
      if (state === undefined || state.customer.deleted_at !== null) return { customer: undefined };
      draft.expect(state.customer, request.expected_revision);
      const customer = draft.save({ ...state, customer: { ...state.customer, deleted_at: draft.now } });
      return { customer: toCustomer(customer) };
    },
  });
};
