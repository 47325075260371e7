import type { ServerStreamHandler } from '../../context';
import type { ExportCustomersRequest, ExportCustomersResponse } from '../../gen/customer/v1/customer';
import { toCustomer } from '../../models/customer';
import { chunksOf } from '../chunks';

/**
 * Everything, and where to go on. The sequencer gives positions to committed changes only. So a change up to `head`
 * had been committed when the head was read, before any row was: every row contains all of them. What a row does not
 * contain was committed later, and its position is higher.
 */
export const exportCustomers: ServerStreamHandler<ExportCustomersRequest, ExportCustomersResponse> = async function* (
  ctx,
  _request,
  call,
) {
  const { head } = await ctx.eventLog.range();
  for await (const rows of ctx.reads.everyCustomer(call.signal)) {
    for (const customers of chunksOf(rows.map(toCustomer))) yield { customers, position: '0' };
  }
  yield { customers: [], position: String(head) };
};
