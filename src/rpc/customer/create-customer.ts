import { z } from 'zod';
import { newAddress } from '../../changes/addresses';
import { CreateCustomerResponse, type CreateCustomerRequest } from '../../gen/customer/v1/customer';
import { toCustomer, type CustomerRow } from '../../models/customer';
import { newId } from '../../models/ids';
import { distinctAddresses } from '../../validation/address';
import { email, LIMITS, optionalId, password, requestId, text } from '../../validation/fields';
import { metadata } from '../../validation/metadata';
import { schemaBy, validate } from '../../validation/validate';
import type { Mutation } from '../mutation';

const schema = schemaBy((minPassword: number) =>
  z.object({
    email: email(),
    password: z.literal('').or(password(minPassword)),
    first_name: text(LIMITS.name),
    last_name: text(LIMITS.name),
    phone: text(LIMITS.phone),
    external_id: text(LIMITS.externalId),
    metadata: metadata(),
    addresses: distinctAddresses(),
    id: optionalId('cus'),
    request_id: requestId(),
  }),
);

type Request = z.output<ReturnType<typeof schema>>;

/** The seed's create: with a password a registered customer, without one a guest. */
export const createCustomer: Mutation<CreateCustomerRequest, Request, CreateCustomerResponse> = {
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
      claims: {
        ids: request.id === '' ? [] : [id],
        emails: [request.email],
        external_ids: request.external_id === '' ? [] : [request.external_id],
      },
      decide: (draft) => {
        const customer = newCustomer(id, request, password_hash, draft.now);
        const addresses = request.addresses.map((content) => newAddress(id, content, draft.now));
        return { customer: toCustomer(draft.create({ customer, addresses, group_ids: [] })) };
      },
    };
  },
};

const nullIfEmpty = (value: string): string | null => (value === '' ? null : value);

const newCustomer = (id: string, request: Request, password_hash: string | null, now: Date): CustomerRow => ({
  id,
  email: request.email,
  first_name: nullIfEmpty(request.first_name),
  last_name: nullIfEmpty(request.last_name),
  phone: nullIfEmpty(request.phone),
  has_account: password_hash !== null,
  password_hash,
  password_revision: null,
  external_id: nullIfEmpty(request.external_id),
  billing_address_id: null,
  shipping_address_id: null,
  metadata: request.metadata,
  revision: 0,
  created_at: now,
  updated_at: now,
  deleted_at: null,
  erased_at: null,
  occurred_at: now,
});
