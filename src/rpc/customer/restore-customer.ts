import { z } from 'zod';
import { customerErased } from '../../changes/decide';
import { customerNotFound } from '../../errors';
import { RestoreCustomerResponse, type RestoreCustomerRequest } from '../../gen/customer/v1/customer';
import { toCustomer } from '../../models/customer';
import { expectedRevision, id, requestId } from '../../validation/fields';
import { validate } from '../../validation/validate';
import type { Mutation } from '../mutation';

const schema = z.object({ id: id('cus'), expected_revision: expectedRevision(), request_id: requestId() });

/** Undoes a delete. */
export const restoreCustomer: Mutation<RestoreCustomerRequest, z.output<typeof schema>, RestoreCustomerResponse> = {
  rpc: 'RestoreCustomer',
  reply: RestoreCustomerResponse,
  validate: (_ctx, raw) => validate(schema, raw),
  plan: (_ctx, request) => ({
    customers: [request.id],
    claims: { own: true },
    decide: (draft) => {
      const state = draft.find(request.id);
      if (state === undefined) throw customerNotFound(request.id);
      if (state.customer.erased_at !== null) throw customerErased(request.id);
      draft.expect(state.customer, request.expected_revision);
      if (state.customer.deleted_at === null) return { customer: toCustomer(state.customer) };
      return { customer: toCustomer(draft.save({ ...state, customer: { ...state.customer, deleted_at: null } })) };
    },
  }),
};
