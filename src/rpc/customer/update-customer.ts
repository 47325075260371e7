import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { invalidRequest } from '../../errors';
import { UpdateCustomerResponse, type UpdateCustomerRequest } from '../../gen/customer/v1/customer';
import { toCustomer, type CustomerRow } from '../../models/customer';
import { email, expectedRevision, id, LIMITS, password, requestId, text } from '../../validation/fields';
import { mergeMetadata, metadata, metadataFaults } from '../../validation/metadata';
import { schemaBy, validate } from '../../validation/validate';

const schema = schemaBy((minPassword: number) =>
  z.object({
    id: id('cus'),
    email: email().optional(),
    password: password(minPassword).optional(),
    first_name: text(LIMITS.name).optional(),
    last_name: text(LIMITS.name).optional(),
    phone: text(LIMITS.phone).optional(),
    external_id: text(LIMITS.externalId).optional(),
    metadata: metadata().optional(),
    replace_metadata: metadata().optional(),
    expected_revision: expectedRevision(),
    request_id: requestId(),
  }),
);

type Request = z.output<ReturnType<typeof schema>>;

/** The seed's update, with its lost updates, unchecked e-mails and half-registered guests mended. */
export const updateCustomer: UnaryHandler<UpdateCustomerRequest, UpdateCustomerResponse> = async (ctx, raw, call) => {
  const request = validate(schema(ctx.config.passwordMinLength), raw, ({ metadata: merged, replace_metadata }) =>
    merged !== undefined && replace_metadata !== undefined
      ? [{ field: 'replace_metadata', description: 'must not be given together with metadata' }]
      : [],
  );
  const password_hash =
    request.password === undefined ? undefined : await ctx.passwords.hash(request.password, call.deadline);
  return ctx.changes.run({
    call,
    identity: { rpc: 'UpdateCustomer', request },
    reply: UpdateCustomerResponse,
    customers: [request.id],
    claims: {
      emails: request.email === undefined ? [] : [request.email],
      external_ids: request.external_id === undefined || request.external_id === '' ? [] : [request.external_id],
      own: request.password !== undefined,
    },
    decide: (draft) => {
      const before = draft.customer(request.id, request.expected_revision);
      const customer = draft.save({ ...before, customer: updated(before.customer, request, password_hash) });
      return { customer: toCustomer(customer) };
    },
  });
};

/** The row after an update: absent leaves a field alone, empty clears it. Pure. */
const updated = (before: CustomerRow, request: Request, password_hash: string | undefined): CustomerRow => {
  const set = (field: 'first_name' | 'last_name' | 'phone' | 'external_id'): string | null => {
    const given = request[field];
    if (given === undefined) return before[field];
    return given === '' ? null : given;
  };
  return {
    ...before,
    email: request.email ?? before.email,
    first_name: set('first_name'),
    last_name: set('last_name'),
    phone: set('phone'),
    external_id: set('external_id'),
    metadata: updatedMetadata(before.metadata, request),
    has_account: before.has_account || password_hash !== undefined,
    password_hash: password_hash ?? before.password_hash,
  };
};

const updatedMetadata = (before: CustomerRow['metadata'], request: Request): CustomerRow['metadata'] => {
  if (request.replace_metadata !== undefined) return request.replace_metadata;
  if (request.metadata === undefined) return before;
  const merged = mergeMetadata(before, request.metadata);
  const faults = metadataFaults(merged, 'metadata');
  if (faults.length > 0) throw invalidRequest(faults);
  return merged;
};
