import { z } from 'zod';
import { changeMembership, customersNotFound } from '../../changes/membership';
import { AddCustomersToGroupResponse, type AddCustomersToGroupRequest } from '../../gen/customer/v1/customer_group';
import { toCustomerGroup } from '../../models/customer-group';
import { expectedRevision, id, idList, requestId } from '../../validation/fields';
import { validate } from '../../validation/validate';
import type { Mutation } from '../mutation';

const schema = z.object({
  id: id('cgrp'),
  customer_ids: idList('cus'),
  expected_revision: expectedRevision(),
  request_id: requestId(),
});

/** Puts customers into a group; each that was not in it gets its event. */
export const addCustomersToGroup: Mutation<
  AddCustomersToGroupRequest,
  z.output<typeof schema>,
  AddCustomersToGroupResponse
> = {
  rpc: 'AddCustomersToGroup',
  reply: AddCustomersToGroupResponse,
  validate: (_ctx, raw) => validate(schema, raw),
  plan: (_ctx, request) => ({
    customers: request.customer_ids,
    groups: { ids: [request.id], mode: 'share' },
    needs: { groups: true },
    replyWhenErased: (customer) => {
      throw customersNotFound([customer]);
    },
    decide: (draft) => {
      const group = draft.group(request.id, request.expected_revision);
      const changed_count = changeMembership(draft, request.customer_ids, group.id, 'join');
      return { customer_group: toCustomerGroup(group), changed_count };
    },
  }),
};
