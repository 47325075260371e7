import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { customerNotFoundBy } from '../../errors';
import type { GetCustomerByPhoneRequest, GetCustomerByPhoneResponse } from '../../gen/customer/v1/customer';
import { phoneKey } from '../../models/fold';
import { phoneNumber } from '../../validation/fields';
import { view } from '../../validation/read-mask';
import { validate } from '../../validation/validate';

const schema = z.object({ phone: phoneNumber(), ...view() });

/** The seed's retrieveByPhone, by the normalised number. */
export const getCustomerByPhone: UnaryHandler<GetCustomerByPhoneRequest, GetCustomerByPhoneResponse> = async (
  ctx,
  raw,
) => {
  const request = validate(schema, raw);
  const row = await ctx.reads.customerByPhone(phoneKey(request.phone));
  if (row === undefined) throw customerNotFoundBy(`phone: ${request.phone}`, request.phone);
  return { customer: await ctx.reads.answer(row, request) };
};
