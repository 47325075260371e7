import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { customerNotFoundBy } from '../../errors';
import type {
  GetRegisteredCustomerByEmailRequest,
  GetRegisteredCustomerByEmailResponse,
} from '../../gen/customer/v1/customer';
import { email } from '../../validation/fields';
import { view } from '../../validation/read-mask';
import { validate } from '../../validation/validate';

const schema = z.object({ email: email(), ...view() });

/** The seed's retrieveRegisteredByEmail. */
export const getRegisteredCustomerByEmail: UnaryHandler<
  GetRegisteredCustomerByEmailRequest,
  GetRegisteredCustomerByEmailResponse
> = async (ctx, raw) => {
  const request = validate(schema, raw);
  const row = await ctx.reads.registeredByEmail(request.email);
  if (row === undefined) throw customerNotFoundBy(`email: ${request.email}, has_account: true`, request.email);
  return { customer: await ctx.reads.answer(row, request) };
};
