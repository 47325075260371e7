import { claimsOf, newCustomer } from '../../changes/new-customer';
import { CreateCustomerResponse, type CreateCustomerRequest } from '../../gen/customer/v1/customer';
import { toCustomer } from '../../models/customer';
import { newId } from '../../models/ids';
import { newCustomer as schema, type NewCustomer } from '../../validation/new-customer';
import { validate } from '../../validation/validate';
import type { Mutation } from '../mutation';

/** The seed's create: with a password a registered customer, without one a guest. */
export const createCustomer: Mutation<CreateCustomerRequest, NewCustomer, CreateCustomerResponse> = {
  rpc: 'CreateCustomer',
  reply: CreateCustomerResponse,
  validate: (ctx, raw) => validate(schema(ctx.config.passwordMinLength), raw),
  isSlow: (request) => request.password !== '',
  plan: async (ctx, request, call) => {
    const id = request.id === '' ? newId('cus') : request.id;
    const password_hash = request.password === '' ? null : await ctx.passwords.hash(request.password, call);
    return {
      customers: [],
      creates: [id],
      claims: claimsOf(request),
      decide: (draft) => ({
        customer: toCustomer(draft.create(newCustomer(id, request, password_hash, draft.now))),
      }),
    };
  },
};
