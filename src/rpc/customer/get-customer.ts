import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { customerNotFound } from '../../errors';
import type { GetCustomerRequest, GetCustomerResponse } from '../../gen/customer/v1/customer';
import { toCustomer } from '../../models/customer';
import { id } from '../../validation/fields';
import { customerMask, maskCustomer } from '../../validation/read-mask';
import { validate } from '../../validation/validate';

const schema = z.object({ id: id('cus'), read_mask: customerMask() });

/** The seed's retrieve. */
export const getCustomer: UnaryHandler<GetCustomerRequest, GetCustomerResponse> = async (ctx, raw) => {
  const request = validate(schema, raw);
  const row = await ctx.reads.customer(request.id);
  if (row === undefined) throw customerNotFound(request.id);
  return { customer: maskCustomer(toCustomer(row), request.read_mask) };
};
