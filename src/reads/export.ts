import type { Knex } from 'knex';
import { statement } from '../db/statement';
import { CUSTOMER_COLUMNS, type CustomerRow } from '../models/customer';

/** Rows of one statement: short enough to hold nothing up, long enough that the round trip does not count. */
const ROWS = 500;

/** Reads everything, whatever its size, without a transaction. */
export type Export = {
  /** Customers alive, by id, a lot at a time, each as it is when its lot is read; the next is read while one is used. */
  readonly everyCustomer: (signal: AbortSignal) => AsyncIterable<CustomerRow[]>;
};

export const createExport = (knex: Knex): Export => {
  const after = async (id: string): Promise<CustomerRow[]> => {
    const { rows } = await statement<CustomerRow>(
      knex,
      'export_customers',
      `select ${CUSTOMER_COLUMNS.join(', ')} from customers where deleted_at is null and id > ? order by id limit ?`,
      [id, ROWS],
    );
    return rows;
  };
  return {
    everyCustomer: async function* (signal) {
      let next = after('');
      for (;;) {
        const rows = await next;
        const last = rows[ROWS - 1];
        signal.throwIfAborted();
        if (last !== undefined) {
          next = after(last.id);
          // Awaited in the next round, if there is one.
          next.catch(() => undefined);
        }
        yield rows;
        if (last === undefined) return;
      }
    },
  };
};
