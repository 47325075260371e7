import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { customerNotFoundBy } from '../../errors';
import type { GetCustomerByEmailRequest, GetCustomerByEmailResponse } from '../../gen/customer/v1/customer';
import { email } from '../../validation/fields';
import { view } from '../../validation/read-mask';
import { validate } from '../../validation/validate';

const schema = z.object({ email: email(), ...view() });

/** The seed's deprecated retrieveByEmail, which answered either; here the registered one wins. */
export const getCustomerByEmail: UnaryHandler<GetCustomerByEmailRequest, GetCustomerByEmailResponse> = async (
  ctx,
  raw,
) => {
  const request = validate(schema, raw);
  const [row] = await ctx.reads.customersByEmail(request.email);
  if (row === undefined) throw customerNotFoundBy(`email: ${request.email}`, request.email);
  return { customer: await ctx.reads.answer(row, request) };
};
