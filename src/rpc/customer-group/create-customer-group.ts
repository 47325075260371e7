import { z } from 'zod';
import { CreateCustomerGroupResponse, type CreateCustomerGroupRequest } from '../../gen/customer/v1/customer_group';
import { toCustomerGroup } from '../../models/customer-group';
import { newId } from '../../models/ids';
import { LIMITS, requestId, requiredText } from '../../validation/fields';
import { metadata } from '../../validation/metadata';
import { validate } from '../../validation/validate';
import type { Mutation } from '../mutation';

const schema = z.object({ name: requiredText(LIMITS.name), metadata: metadata(), request_id: requestId() });

/** A new group. */
export const createCustomerGroup: Mutation<
  CreateCustomerGroupRequest,
  z.output<typeof schema>,
  CreateCustomerGroupResponse
> = {
  rpc: 'CreateCustomerGroup',
  reply: CreateCustomerGroupResponse,
  validate: (_ctx, raw) => validate(schema, raw),
  plan: (_ctx, request) => ({
    customers: [],
    claims: { group_names: [request.name] },
    decide: (draft) => {
      const id = newId('cgrp');
      const group = draft.saveGroup(id, {
        id,
        name: request.name,
        metadata: request.metadata,
        revision: 0,
        created_at: draft.now,
        updated_at: draft.now,
      });
      return { customer_group: toCustomerGroup(group) };
    },
  }),
};
