import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import type { CountCustomersRequest, CountCustomersResponse } from '../../gen/customer/v1/customer';
import { customerFilter } from '../../validation/customer-filter';
import { validate } from '../../validation/validate';

const schema = z.object({ filter: customerFilter() });

/** The seed's count, of whatever a filter finds. */
export const countCustomers: UnaryHandler<CountCustomersRequest, CountCustomersResponse> = async (ctx, raw, call) => {
  const { filter } = validate(schema, raw);
  return { count: await ctx.reads.countCustomers(filter, call) };
};
