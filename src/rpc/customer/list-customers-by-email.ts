import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import type { ListCustomersByEmailRequest, ListCustomersByEmailResponse } from '../../gen/customer/v1/customer';
import { email } from '../../validation/fields';
import { view } from '../../validation/read-mask';
import { validate } from '../../validation/validate';

const schema = z.object({ email: email(), ...view() });

/** The seed's listByEmail: none, one or two. */
export const listCustomersByEmail: UnaryHandler<ListCustomersByEmailRequest, ListCustomersByEmailResponse> = async (
  ctx,
  raw,
) => {
  const request = validate(schema, raw);
  const rows = await ctx.reads.customersByEmail(request.email);
  return { customers: await Promise.all(rows.map((row) => ctx.reads.answer(row, request))) };
};
