import { z } from 'zod';
import { invalidRequest } from '../../errors';
import { UpdateCustomerGroupResponse, type UpdateCustomerGroupRequest } from '../../gen/customer/v1/customer_group';
import { toCustomerGroup } from '../../models/customer-group';
import { expectedRevision, id, LIMITS, requestId, requiredText } from '../../validation/fields';
import { mergeMetadata, metadata, metadataFaults } from '../../validation/metadata';
import { validate } from '../../validation/validate';
import type { Mutation } from '../mutation';

const schema = z.object({
  id: id('cgrp'),
  name: requiredText(LIMITS.name).optional(),
  metadata: metadata().optional(),
  replace_metadata: metadata().optional(),
  expected_revision: expectedRevision(),
  request_id: requestId(),
});

/** Changes what is given. */
export const updateCustomerGroup: Mutation<
  UpdateCustomerGroupRequest,
  z.output<typeof schema>,
  UpdateCustomerGroupResponse
> = {
  rpc: 'UpdateCustomerGroup',
  reply: UpdateCustomerGroupResponse,
  validate: (_ctx, raw) =>
    validate(schema, raw, ({ metadata: merged, replace_metadata }) =>
      merged !== undefined && replace_metadata !== undefined
        ? [{ field: 'replace_metadata', description: 'must not be given together with metadata' }]
        : [],
    ),
  plan: (_ctx, request) => ({
    customers: [],
    groups: { ids: [request.id], mode: 'update' },
    claims: { group_names: request.name === undefined ? [] : [request.name] },
    decide: (draft) => {
      const before = draft.group(request.id, request.expected_revision);
      const after =
        request.metadata === undefined
          ? (request.replace_metadata ?? before.metadata)
          : mergeMetadata(before.metadata, request.metadata);
      const faults = metadataFaults(after, 'metadata');
      if (faults.length > 0) throw invalidRequest(faults);
      const group = draft.saveGroup(request.id, { ...before, name: request.name ?? before.name, metadata: after });
      return { customer_group: toCustomerGroup(group) };
    },
  }),
};
