import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { customerNotFoundBy } from '../../errors';
import type {
  GetUnregisteredCustomerByEmailRequest,
  GetUnregisteredCustomerByEmailResponse,
} from '../../gen/customer/v1/customer';
import { email } from '../../validation/fields';
import { view } from '../../validation/read-mask';
import { validate } from '../../validation/validate';

const schema = z.object({ email: email(), ...view() });

/** The seed's retrieveUnregisteredByEmail. */
export const getUnregisteredCustomerByEmail: UnaryHandler<
  GetUnregisteredCustomerByEmailRequest,
  GetUnregisteredCustomerByEmailResponse
> = async (ctx, raw) => {
  const request = validate(schema, raw);
  const row = (await ctx.reads.customersByEmail(request.email)).find(({ has_account }) => !has_account);
  if (row === undefined) throw customerNotFoundBy(`email: ${request.email}, has_account: false`, request.email);
  return { customer: await ctx.reads.answer(row, request) };
};
