import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { groupNotFound } from '../../errors';
import type { GetCustomerGroupRequest, GetCustomerGroupResponse } from '../../gen/customer/v1/customer_group';
import { toCustomerGroup } from '../../models/customer-group';
import { id } from '../../validation/fields';
import { validate } from '../../validation/validate';

const schema = z.object({ id: id('cgrp') });

/** One group. */
export const getCustomerGroup: UnaryHandler<GetCustomerGroupRequest, GetCustomerGroupResponse> = async (ctx, raw) => {
  const request = validate(schema, raw);
  const row = await ctx.reads.group(request.id);
  if (row === undefined) throw groupNotFound(request.id);
  return { customer_group: toCustomerGroup(row) };
};
