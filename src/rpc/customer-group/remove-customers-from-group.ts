import { z } from 'zod';
import { changeMembership, customersNotFound } from '../../changes/membership';
import {
  RemoveCustomersFromGroupResponse,
  type RemoveCustomersFromGroupRequest,
} from '../../gen/customer/v1/customer_group';
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

/** Takes customers out of a group; each that was in it gets its event. */
export const removeCustomersFromGroup: Mutation<
  RemoveCustomersFromGroupRequest,
  z.output<typeof schema>,
  RemoveCustomersFromGroupResponse
> = {
  rpc: 'RemoveCustomersFromGroup',
  reply: RemoveCustomersFromGroupResponse,
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
      const changed_count = changeMembership(draft, request.customer_ids, group.id, 'leave');
      return { customer_group: toCustomerGroup(group), changed_count };
    },
  }),
};
