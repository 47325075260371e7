import type { Knex } from 'knex';
import type { Filter } from '../../validation/customer-filter';
import { concat, run, sql } from '../sql';
import { compileFilter } from './conditions';

const MATCHES = 100;
const STEPS = 5_000;

type Row = Readonly<Record<string, unknown>> & { readonly id: string };

/**
 * Matches in the order of ids, after one. Looks at a bounded number of rows, so that the statement is short however rare
 * a match is; then there may be none, and more to come.
 */
export const readChunk = async (
  trx: Knex.Transaction,
  filter: Filter,
  id: string,
  columns: readonly string[],
): Promise<{ readonly rows: readonly Row[]; readonly next: string | undefined }> => {
  const ahead = sql('(select * from customers where id > ? order by id limit ?) as customers', id, STEPS);
  const rows = await run<Row>(
    trx,
    concat(
      sql(`select ${columns.join(', ')} from`),
      ahead,
      sql('where'),
      compileFilter(filter),
      sql('order by id limit ?', MATCHES),
    ),
  );
  const last = rows.at(-1);
  if (last !== undefined && rows.length === MATCHES) return { rows, next: last.id };
  const [end] = await run<{ seen: number; id: string | null }>(
    trx,
    concat(sql('select count(*)::int as seen, max(id) as id from'), ahead),
  );
  return { rows, next: end?.seen === STEPS && end.id !== null ? end.id : undefined };
};
