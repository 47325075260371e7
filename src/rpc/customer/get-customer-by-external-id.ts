import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { customerNotFoundBy } from '../../errors';
import type { GetCustomerByExternalIdRequest, GetCustomerByExternalIdResponse } from '../../gen/customer/v1/customer';
import { LIMITS, requiredText } from '../../validation/fields';
import { view } from '../../validation/read-mask';
import { validate } from '../../validation/validate';

const schema = z.object({ external_id: requiredText(LIMITS.externalId), ...view() });

/** One customer by the caller's own key. */
export const getCustomerByExternalId: UnaryHandler<
  GetCustomerByExternalIdRequest,
  GetCustomerByExternalIdResponse
> = async (ctx, raw) => {
  const request = validate(schema, raw);
  const row = await ctx.reads.customerByExternalId(request.external_id);
  if (row === undefined) throw customerNotFoundBy(`external_id: ${request.external_id}`, request.external_id);
  return { customer: await ctx.reads.answer(row, request) };
};
