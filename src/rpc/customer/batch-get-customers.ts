import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import type { BatchGetCustomersRequest, BatchGetCustomersResponse } from '../../gen/customer/v1/customer';
import { idList } from '../../validation/fields';
import { view } from '../../validation/read-mask';
import { validate } from '../../validation/validate';

const schema = z.object({ ids: idList('cus'), ...view() });

/** Many customers in the order asked, an id asked twice answered twice. */
export const batchGetCustomers: UnaryHandler<BatchGetCustomersRequest, BatchGetCustomersResponse> = async (
  ctx,
  raw,
) => {
  const request = validate(schema, raw);
  const found = await Promise.all(request.ids.map((id) => ctx.reads.customer(id)));
  const rows = found.filter((row) => row !== undefined);
  return {
    customers: await Promise.all(rows.map((row) => ctx.reads.answer(row, request))),
    missing_ids: request.ids.filter((_, index) => found[index] === undefined),
  };
};
