import { z } from 'zod';
import { pointTo } from '../../changes/addresses';
import { invalidRequest } from '../../errors';
import type { CustomerState } from '../../events/changed-fields';
import { UpdateCustomerResponse, type UpdateCustomerRequest } from '../../gen/customer/v1/customer';
import { toCustomer, type CustomerRow } from '../../models/customer';
import { addressTarget } from '../../validation/address-target';
import { email, expectedRevision, id, ids, LIMITS, password, requestId, text } from '../../validation/fields';
import { mergeMetadata, metadata, metadataFaults } from '../../validation/metadata';
import { schemaBy, validate } from '../../validation/validate';
import type { Mutation } from '../mutation';

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
    billing_address: addressTarget().optional(),
    shipping_address: addressTarget().optional(),
    groups: z.object({ ids: ids('cgrp') }).optional(),
    expected_revision: expectedRevision(),
    request_id: requestId(),
  }),
);

type Request = z.output<ReturnType<typeof schema>>;

/** The seed's update, with its lost updates, unchecked e-mails and half-registered guests mended. */
export const updateCustomer: Mutation<UpdateCustomerRequest, Request, UpdateCustomerResponse> = {
  rpc: 'UpdateCustomer',
  reply: UpdateCustomerResponse,
  validate: (ctx, raw) =>
    validate(schema(ctx.config.passwordMinLength), raw, ({ metadata: merged, replace_metadata }) =>
      merged !== undefined && replace_metadata !== undefined
        ? [{ field: 'replace_metadata', description: 'must not be given together with metadata' }]
        : [],
    ),
  isSlow: (request) => request.password !== undefined,
  plan: async (ctx, request, call) => {
    const { id, password: given, groups, billing_address, shipping_address } = request;
    const password_hash = given === undefined ? undefined : await ctx.passwords.hash(given, call);
    return {
      customers: [id],
      claims: {
        emails: request.email === undefined ? [] : [request.email],
        external_ids: request.external_id === undefined || request.external_id === '' ? [] : [request.external_id],
        own: given !== undefined,
      },
      needs: {
        addresses: billing_address !== undefined || shipping_address !== undefined,
        groups: groups !== undefined,
      },
      ...(groups === undefined ? {} : { groups: { ids: groups.ids, mode: 'share' as const } }),
      decide: (draft) => {
        const before = draft.customer(id, request.expected_revision);
        for (const group of groups?.ids ?? []) draft.group(group);
        let after: CustomerState = { ...before, customer: updated(before.customer, request, password_hash) };
        if (billing_address !== undefined) after = pointTo(after, 'billing_address_id', billing_address, draft.now);
        if (shipping_address !== undefined) after = pointTo(after, 'shipping_address_id', shipping_address, draft.now);
        if (groups !== undefined) after = { ...after, group_ids: [...new Set(groups.ids)].sort() };
        return { customer: toCustomer(draft.save(after)) };
      },
    };
  },
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
