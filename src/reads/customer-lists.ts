import type { Knex } from 'knex';
import type { Call } from '../context';
import type { Customer } from '../gen/customer/v1/customer';
import { PUBLIC_COLUMNS, toCustomer, UNREAD, type CustomerRow } from '../models/customer';
import type { Cursor } from '../security/page-tokens';
import type { Filter } from '../validation/customer-filter';
import type { Order } from '../validation/paging';
import { viewed, type View } from '../validation/read-mask';
import { cursorAfter, type CursorAfter } from './cursor-after';
import { ALONG_INDEXES, countMatches, readPage } from './customer-query/page';
import { createSurvey, type SurveyIn } from './customer-query/survey';
import { createRelations } from './relations';
import type { Snapshots } from './snapshot';

export type ListQuery = View & {
  readonly filter: Filter;
  readonly order_by: Order;
  readonly page_size: number;
  readonly skip: number;
  readonly include_total_size: boolean;
};

/** A page and, when asked for, how many match in all: both as of one moment. */
export type Page = {
  readonly customers: Customer[];
  readonly cursorAfter: CursorAfter;
  readonly total_size: number | undefined;
};

export type CustomerLists = {
  readonly listCustomers: (query: ListQuery, cursor: Cursor | undefined, call: Waiting) => Promise<Page>;
  readonly countCustomers: (filter: Filter, call: Waiting) => Promise<number>;
};

type Waiting = Pick<Call, 'deadline' | 'signal'>;

/** What relations are found by. */
const OWNER_COLUMNS: ReadonlySet<string> = new Set(['id', 'billing_address_id', 'shipping_address_id', 'deleted_at']);

const columnsFor = ({ read_mask, expand }: View): string[] =>
  PUBLIC_COLUMNS.filter(
    (column) => read_mask === undefined || read_mask.has(column) || (expand.size > 0 && OWNER_COLUMNS.has(column)),
  );

const keyText = (key: Date | string): string => (key instanceof Date ? String(key.getTime()) : key);

const readList = async (
  trx: Knex.Transaction,
  query: ListQuery,
  cursor: Cursor | undefined,
  surveyIn: SurveyIn,
): Promise<Page> => {
  const { filter, order_by: order, skip, page_size } = query;
  const counting = query.include_total_size ? countMatches(trx, filter, surveyIn) : undefined;
  const wanted = { filter, order, cursor, skip, limit: page_size + 1, columns: columnsFor(query) };
  const reading = readPage(trx, wanted, surveyIn);
  const [found, total_size] = await Promise.all([reading, counting]);
  const page = found.slice(0, page_size);
  const relationsOf = createRelations(trx);
  const customers = await Promise.all(
    page.map(async (values) => {
      const row: CustomerRow = { ...UNREAD, ...values };
      return viewed(toCustomer(row), query, await relationsOf(row, query.expand));
    }),
  );
  return {
    customers,
    cursorAfter: cursorAfter(found, ({ sort_key, id }) => ({ key: keyText(sort_key), id })),
    total_size,
  };
};

export const createCustomerLists = ({ inSnapshot }: Snapshots): CustomerLists => {
  const surveyIn = createSurvey();
  return {
    listCustomers: (query, cursor, call) =>
      inSnapshot(call, (trx) => readList(trx, query, cursor, surveyIn), ALONG_INDEXES),
    countCustomers: (filter, call) => inSnapshot(call, (trx) => countMatches(trx, filter, surveyIn), ALONG_INDEXES),
  };
};
