import type { Cursor } from '../../security/page-tokens';
import type { Filter } from '../../validation/customer-filter';
import type { Order } from '../../validation/paging';
import { alternativesOf, conditionsOf, STATES, statesOf } from './conditions';
import type { RarityIn } from './pieces';
import { concat, every, sql, unionAll, type Sql } from '../sql';
import { isAfter, keyOf, type Walk } from './walk';

export type PageQuery = {
  readonly filter: Filter;
  readonly order: Order;
  readonly cursor: Cursor | undefined;
  readonly skip: number;
  /** Rows wanted. */
  readonly limit: number;
  /** Columns of `customers`. */
  readonly columns: readonly string[];
};

export type Row = Readonly<Record<string, unknown>> & { readonly id: string; readonly sort_key: Date | string };

const inOrder = ({ order, skip, limit }: PageQuery): Sql =>
  sql(`order by sort_key ${order.direction}, id ${order.direction} offset ? limit ?`, skip, limit);

const selected = ({ columns }: PageQuery): string => columns.join(', ');

/** Looks at the next `budget` rows in order and answers those that match. Right when many match. */
export const byWalking = (query: PageQuery, walk: Walk, rest: readonly Sql[], budget: number): Sql => {
  const { direction } = query.order;
  const states = statesOf(query.filter);
  const walks = states.map((state) => concat(sql('('), walk.rows(state, budget), sql(')')));
  const rows = concat(unionAll(walks), sql(`order by sort_key ${direction}, id ${direction} limit ?`, budget));
  return concat(
    sql(`select ${selected(query)}, sort_key from (`),
    walks.length === 1 ? walk.rows(states[0] ?? 'alive', budget) : rows,
    sql(') as customers where'),
    every(rest),
    inOrder(query),
  );
};

/**
 * Collects all that match, by whatever index finds them, and sorts them. Right when few match. `offset 0` keeps the
 * planner from walking the order instead; each alternative of any_of is looked for by an index of its own. `also`: what
 * else they have to fulfil.
 */
export const byCollecting = (query: PageQuery, rarityIn: RarityIn, also: readonly Sql[] = []): Sql => {
  const { filter, order, cursor } = query;
  const alternatives = alternativesOf(filter, rarityIn);
  const matches = statesOf(filter).map((state) => {
    const common = [sql(STATES[state]), ...conditionsOf(filter, rarityIn), ...also, ...after(order, cursor)];
    if (alternatives.length === 0) return every(common);
    const ids = alternatives.map((alternative) =>
      concat(sql('select customers.id from customers where'), every([...common, alternative])),
    );
    return concat(sql(`${STATES[state]} and customers.id in (`), unionAll(ids), sql(')'));
  });
  const rows = matches.map((match) =>
    concat(sql(`select ${selected(query)}, ${keyOf(order)} as sort_key from customers where`), match),
  );
  return concat(
    sql(`select ${selected(query)}, sort_key from (select * from (`),
    unionAll(rows),
    sql(') as customers offset 0) as customers'),
    inOrder(query),
  );
};

const after = (order: Order, cursor: Cursor | undefined): Sql[] => isAfter(keyOf(order), 'customers.id', order, cursor);
