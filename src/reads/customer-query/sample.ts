import type { Knex } from 'knex';
import type { Filter } from '../../validation/customer-filter';
import { compileFilter, STATES, statesOf } from './conditions';
import { concat, every, run, some, sql } from '../sql';
import type { Walk } from './walk';

/** How many rows were looked at, how many of them match, and for how many rows of the table each stands. */
type Sample = { readonly rows: number; readonly hits: number; readonly scale: number };

const PAGES = `greatest(1, pg_relation_size('customers') / current_setting('block_size')::int)`;

/** So many pages of the table, always the same; `percent` of all. */
export const somePages = (pages: string): string => {
  const percent = `least(100, 100.0 * ${pages} / ${PAGES})`;
  return `(select ${percent} as percent) settings, customers tablesample system (${percent}) repeatable (0)`;
};

/** At least eight; beyond, a tenth of the square root of all: enough to tell what either way costs. */
const SAMPLED = somePages(`greatest(8, sqrt(${PAGES}) / 10)`);

/** Looks at some pages of the table to learn what statistics cannot tell: how many rows ahead match. */
export const sample = async (trx: Knex.Transaction, filter: Filter, walk: Walk): Promise<Sample> => {
  const ahead = every([some(statesOf(filter).map((state) => sql(STATES[state]))), walk.isAhead]);
  const [found] = await run<Sample>(
    trx,
    concat(
      sql(`select count(*)::int as rows, 100 / max(percent)::float as scale, count(*) filter (where`),
      compileFilter(filter),
      sql(`)::int as hits from ${SAMPLED} where`),
      ahead,
    ),
  );
  return found ?? { rows: 0, hits: 0, scale: 1 };
};
