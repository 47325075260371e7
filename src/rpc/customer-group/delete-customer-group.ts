import { z } from 'zod';
import { DeleteCustomerGroupResponse, type DeleteCustomerGroupRequest } from '../../gen/customer/v1/customer_group';
import { toCustomerGroup } from '../../models/customer-group';
import { expectedRevision, id, requestId } from '../../validation/fields';
import { validate } from '../../validation/validate';
import type { Mutation } from '../mutation';

const schema = z.object({ id: id('cgrp'), expected_revision: expectedRevision(), request_id: requestId() });

/** For good; memberships are out of sight at once, because they are only read together with their group. */
export const deleteCustomerGroup: Mutation<
  DeleteCustomerGroupRequest,
  z.output<typeof schema>,
  DeleteCustomerGroupResponse
> = {
  rpc: 'DeleteCustomerGroup',
  reply: DeleteCustomerGroupResponse,
  validate: (_ctx, raw) => validate(schema, raw),
  plan: (_ctx, request) => ({
    customers: [],
    groups: { ids: [request.id], mode: 'update' },
    decide: (draft) => {
      const before = draft.findGroup(request.id);
      if (before === undefined) return { customer_group: undefined };
      draft.expect(before, request.expected_revision);
      return { customer_group: toCustomerGroup(draft.saveGroup(request.id, undefined)) };
    },
  }),
};
