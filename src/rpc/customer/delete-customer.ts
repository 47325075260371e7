import { z } from 'zod';
import { DeleteCustomerResponse, type DeleteCustomerRequest } from '../../gen/customer/v1/customer';
import { toCustomer } from '../../models/customer';
import { expectedRevision, id, requestId } from '../../validation/fields';
import { validate } from '../../validation/validate';
import type { Mutation } from '../mutation';

const schema = z.object({ id: id('cus'), expected_revision: expectedRevision(), request_id: requestId() });

/** The seed's delete: soft, and silent where there is nothing to delete. */
export const deleteCustomer: Mutation<DeleteCustomerRequest, z.output<typeof schema>, DeleteCustomerResponse> = {
  rpc: 'DeleteCustomer',
  reply: DeleteCustomerResponse,
  validate: (_ctx, raw) => validate(schema, raw),
  plan: (_ctx, request) => ({
    customers: [request.id],
    replyWhenErased: () => ({ customer: undefined }),
    decide: (draft) => {
      const state = draft.find(request.id);
      if (state === undefined || state.customer.deleted_at !== null) return { customer: undefined };
      draft.expect(state.customer, request.expected_revision);
      const customer = draft.save({ ...state, customer: { ...state.customer, deleted_at: draft.now } });
      return { customer: toCustomer(customer) };
    },
  }),
};
