import type { Cursor } from '../../security/page-tokens';
import type { Filter, TextConditions } from '../../validation/customer-filter';
import type { Order } from '../../validation/paging';
import { instant, ofTime, STATES, type State } from './conditions';
import { ofText } from './texts';
import { every, sql, type Sql } from '../sql';

/** What a page is asked for, in terms of the index that holds its order. */
export type Walk = {
  /** Rows of one state in order, after the cursor, at most `limit` of them: reads no row that it does not answer. */
  readonly rows: (state: State, limit: number) => Sql;
  /** Rows of one state that lie on the way. */
  readonly isAhead: Sql;
  /** What the index cannot tell; the rows have to be looked at for it. */
  readonly rest: Filter;
};

const KEYS = {
  created_at: 'created_at',
  updated_at: 'updated_at',
  email: 'email',
  first_name: 'first_name_folded',
  last_name: 'last_name_folded',
} as const satisfies Record<Order['by'], string>;

/** The column of an order. */
export const keyOf = ({ by }: Order): string => `customers.${KEYS[by]}`;

const isTime = (by: Order['by']): by is 'created_at' | 'updated_at' => by === 'created_at' || by === 'updated_at';

/**
 * The same filter for a page that goes on behind a row, without the limits that lie behind it. Beside one of them an index
 * would be read from there: PostgreSQL cannot tell that the row, a pair of columns, is the narrower limit.
 */
export const aheadOf = (filter: Filter, { by, direction }: Order, cursor: Cursor | undefined): Filter => {
  if (cursor === undefined || !isTime(by)) return filter;
  const behind = direction === 'asc' ? { gt: undefined, gte: undefined } : { lt: undefined, lte: undefined };
  return { ...filter, [by]: filter[by] && { ...filter[by], ...behind } };
};

/** The row that a page ended with lies before this one. */
export const isAfter = (key: string, id: string, order: Order, cursor: Cursor | undefined): Sql[] => {
  if (cursor === undefined) return [];
  const operator = order.direction === 'asc' ? '>' : '<';
  const [type, value] = isTime(order.by) ? ['timestamptz', instant(Number(cursor.key))] : ['text', cursor.key];
  return [sql(`(${key}, ${id}) ${operator} (?::${type}, ?)`, value, cursor.id)];
};

const alongTime = (key: string, order: Order, filter: Filter): { conditions: Sql[]; rest: Filter } => {
  if (!isTime(order.by)) return { conditions: [], rest: filter };
  return { conditions: ofTime(key, filter[order.by]), rest: { ...filter, [order.by]: undefined } };
};

/** Conditions on a text that name one stretch of its index; back from a row in it, only where it begins is one. */
const alongText = (order: Order, filter: Filter, cursor: Cursor | undefined): { conditions: Sql[]; rest: Filter } => {
  if (isTime(order.by)) return { conditions: [], rest: filter };
  const given = filter[order.by];
  if (given === undefined) return { conditions: [], rest: filter };
  const { equals, starts_with, is_null, ...others } = given;
  const isBack = cursor !== undefined && order.direction === 'desc';
  const stretch: TextConditions = { equals, starts_with: isBack ? undefined : starts_with, is_null, in: [] };
  const begin = isBack && starts_with !== undefined ? [sql(`${keyOf(order)} >= ?`, starts_with)] : [];
  return { conditions: [...ofText(order.by, stretch), ...begin], rest: { ...filter, [order.by]: others } };
};

/** The members of one group in the order of their creation, which the membership repeats. */
const walkGroup = (group_id: string, filter: Filter, order: Order, cursor: Cursor | undefined): Walk => {
  const { conditions, rest } = alongTime('member.created_at', order, { ...filter, group_ids: [] });
  const ahead = [...conditions, ...isAfter('member.created_at', 'member.customer_id', order, cursor)];
  return {
    rest,
    isAhead: every([
      ...ofTime('customers.created_at', filter.created_at),
      ...isAfter(keyOf(order), 'customers.id', order, cursor),
    ]),
    rows: (state, limit) => {
      const { sql: where, bindings } = every([
        sql('member.group_id = (select id from customer_groups where id = ?)', group_id),
        sql(STATES[state]),
        ...ahead,
      ]);
      // The deleted are out of their groups.
      const text = `select customers.*, customers.created_at as sort_key
          from customer_group_members member join customers on customers.id = member.customer_id
         where ${where} and customers.deleted_at is null
         order by member.created_at ${order.direction}, member.customer_id ${order.direction} limit ?`;
      return { sql: text, bindings: [...bindings, limit] };
    },
  };
};

const walkCustomers = (filter: Filter, order: Order, cursor: Cursor | undefined): Walk => {
  const key = keyOf(order);
  const byTime = alongTime(key, order, filter);
  const byText = alongText(order, byTime.rest, cursor);
  // customers_has_account_created_at_idx
  const isAlongAccount = order.by === 'created_at' && filter.has_account !== undefined;
  const ahead = [
    ...byTime.conditions,
    ...byText.conditions,
    ...(isAlongAccount ? [sql('customers.has_account = ?', filter.has_account)] : []),
    ...isAfter(key, 'customers.id', order, cursor),
  ];
  return {
    rest: isAlongAccount ? { ...byText.rest, has_account: undefined } : byText.rest,
    isAhead: every(ahead),
    rows: (state, limit) => {
      const { sql: where, bindings } = every([sql(STATES[state]), ...ahead]);
      const text = `select customers.*, ${key} as sort_key from customers where ${where}
         order by ${key} ${order.direction}, customers.id ${order.direction} limit ?`;
      return { sql: text, bindings: [...bindings, limit] };
    },
  };
};

/** How to walk through a filter in an order from a cursor on, with as few rows to look at as the indexes allow. */
export const walkOf = (filter: Filter, order: Order, cursor: Cursor | undefined): Walk => {
  const [group_id, ...others] = filter.group_ids;
  return group_id !== undefined && others.length === 0 && order.by === 'created_at'
    ? walkGroup(group_id, filter, order, cursor)
    : walkCustomers(filter, order, cursor);
};
