import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { customerNotFound } from '../../errors';
import type { GetCustomerRequest, GetCustomerResponse } from '../../gen/customer/v1/customer';
import { id } from '../../validation/fields';
import { view } from '../../validation/read-mask';
import { validate } from '../../validation/validate';

const schema = z.object({ id: id('cus'), ...view() });

/** The seed's retrieve. */
export const getCustomer: UnaryHandler<GetCustomerRequest, GetCustomerResponse> = async (ctx, raw) => {
  const request = validate(schema, raw);
  const row = await ctx.reads.customer(request.id);
  if (row === undefined) throw customerNotFound(request.id);
  return { customer: await ctx.reads.answer(row, request) };
};
