import type { Knex } from 'knex';
import type { Call } from '../context';
import { CUSTOMER_COLUMNS, type CustomerRow } from '../models/customer';
import type { Filter } from '../validation/customer-filter';
import { compileFilter } from './customer-query/conditions';
import { concat, run, sql, type Sql } from './sql';
import type { Snapshots } from './snapshot';

/** Customers that one statement looks at, whether they match or not: it holds nothing up, whatever the filter. */
const LOOKED_AT = 1_000;

/** Reads everything, whatever its size, without one transaction over all of it. */
export type Export = {
  /**
   * Customers that match, by id, a lot at a time, each as it is when its lot is read; the next lot is read while one is
   * used. Ends with the call. Throws like `inSnapshot`.
   */
  readonly everyCustomer: (filter: Filter, call: Waiting) => AsyncIterable<CustomerRow[]>;
};

type Waiting = Pick<Call, 'deadline' | 'signal'>;

type Lot = { readonly rows: CustomerRow[]; readonly next: string | undefined };

/** The customers among the next ones by id that match, and where the next lot begins. */
const readLot = async (trx: Knex.Transaction, filter: Sql, after: string): Promise<Lot> => {
  const end = sql('select id from customers where id > ? order by id offset ? limit 1', after, LOOKED_AT - 1);
  const [last] = await run<{ id: string }>(trx, end);
  const until = last === undefined ? sql('') : sql('and id <= ?', last.id);
  const rows = await run<CustomerRow>(
    trx,
    concat(
      sql(`select ${CUSTOMER_COLUMNS.join(', ')} from customers where id > ?`, after),
      until,
      sql('and'),
      filter,
      sql('order by id'),
    ),
  );
  return { rows, next: last?.id };
};

export const createExport = ({ inSnapshot }: Snapshots): Export => ({
  everyCustomer: async function* (filter, call) {
    const compiled = compileFilter(filter);
    const lotAfter = (id: string): Promise<Lot> => inSnapshot(call, (trx) => readLot(trx, compiled, id));
    let reading: Promise<Lot> | undefined = lotAfter('');
    while (reading !== undefined) {
      const { rows, next }: Lot = await reading;
      reading = next === undefined ? undefined : lotAfter(next);
      // Its failure is this loop's next; nobody may be there any more to see it.
      reading?.catch(() => undefined);
      yield rows;
    }
  },
});
