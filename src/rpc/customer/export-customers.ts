import { z } from 'zod';
import type { ServerStreamHandler } from '../../context';
import type { Customer, ExportCustomersRequest, ExportCustomersResponse } from '../../gen/customer/v1/customer';
import { toCustomer } from '../../models/customer';
import { customerFilter } from '../../validation/customer-filter';
import { validate } from '../../validation/validate';
import { chunksOf } from '../chunks';
import { weightOf } from '../weight';

/** All that a customer says beside its metadata is shorter, in bytes; so the metadata alone is weighed. */
const FIELDS = 8 * 1_024;
const weightOfCustomer = ({ metadata }: Customer): number => FIELDS + weightOf(metadata);

const schema = z.object({ filter: customerFilter() });

/**
 * Everything, and where to go on. The sequencer gives positions to committed changes only. So a change up to `head` had
 * been committed when the head was read, before any row was: every row contains all of them. What a row does not
 * contain was committed later, and its position is higher.
 */
export const exportCustomers: ServerStreamHandler<ExportCustomersRequest, ExportCustomersResponse> = async function* (
  ctx,
  raw,
  call,
) {
  const { filter } = validate(schema, raw);
  const { head } = await ctx.eventLog.range();
  for await (const rows of ctx.reads.everyCustomer(filter, call)) {
    for (const customers of chunksOf(rows.map(toCustomer), weightOfCustomer)) yield { customers, position: '0' };
  }
  yield { customers: [], position: String(head) };
};
