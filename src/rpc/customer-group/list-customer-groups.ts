import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import {
  CustomerGroup,
  type ListCustomerGroupsRequest,
  type ListCustomerGroupsResponse,
} from '../../gen/customer/v1/customer_group';
import { toCustomerGroup } from '../../models/customer-group';
import { fold } from '../../models/fold';
import { ids, LIMITS, optionalId, text } from '../../validation/fields';
import { pageSize, pageToken } from '../../validation/paging';
import { validate } from '../../validation/validate';
import { fitting } from '../chunks';

const schema = z.object({
  q: text(LIMITS.name).transform(fold),
  ids: ids('cgrp'),
  customer_id: optionalId('cus'),
  page_size: pageSize(),
  page_token: pageToken(),
  include_total_size: z.boolean(),
});

/** Groups by name. */
export const listCustomerGroups: UnaryHandler<ListCustomerGroupsRequest, ListCustomerGroupsResponse> = async (
  ctx,
  raw,
  call,
) => {
  const request = validate(schema, raw);
  const { q, ids: asked, customer_id } = request;
  const query = { rpc: 'ListCustomerGroups', q, ids: asked, customer_id };
  const cursor = ctx.pageTokens.read(request.page_token, query);
  const { groups, cursorAfter, total_size } = await ctx.reads.listGroups(request, cursor, call);
  const customer_groups = fitting(groups.map(toCustomerGroup), CustomerGroup);
  const next = cursorAfter(customer_groups.length - 1);
  return {
    customer_groups: [...customer_groups],
    next_page_token: next === undefined ? '' : ctx.pageTokens.make(next, query),
    total_size,
  };
};
