import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import type { Violation } from '../../errors';
import { Customer, type ListCustomersRequest, type ListCustomersResponse } from '../../gen/customer/v1/customer';
import { customerFilter } from '../../validation/customer-filter';
import { orderBy, pageSize, pageToken, skip } from '../../validation/paging';
import { view } from '../../validation/read-mask';
import { validate } from '../../validation/validate';
import { fitting } from '../chunks';

const schema = z.object({
  filter: customerFilter(),
  order_by: orderBy(),
  page_size: pageSize(),
  page_token: pageToken(),
  skip: skip(),
  include_total_size: z.boolean(),
  ...view(),
});

const together = ({ page_token, skip: rows }: { readonly page_token: string; readonly skip: number }): Violation[] =>
  page_token !== '' && rows !== 0 ? [{ field: 'skip', description: 'must not be set together with page_token' }] : [];

/** The seed's list and, with include_total_size, its listAndCount. */
export const listCustomers: UnaryHandler<ListCustomersRequest, ListCustomersResponse> = async (ctx, raw, call) => {
  const request = validate(schema, raw, together);
  const { filter, order_by, read_mask } = request;
  const query = { rpc: 'ListCustomers', filter, order_by, read_mask: [...(read_mask ?? [])].sort() };
  const cursor = ctx.pageTokens.read(request.page_token, query);
  const { customers: found, cursorAfter, total_size } = await ctx.reads.listCustomers(request, cursor, call);
  const customers = fitting(found, Customer);
  const next = cursorAfter(customers.length - 1);
  return {
    customers: [...customers],
    next_page_token: next === undefined ? '' : ctx.pageTokens.make(next, query),
    total_size,
  };
};
