import { CustomerFilter_Deleted } from '../../gen/customer/v1/customer';
import type { Conditions, Filter } from '../../validation/customer-filter';
import type { TimeConditions } from '../../validation/time-filter';
import { every, some, sql, type Sql } from '../sql';
import { ofTerms, ofText, type Purpose } from './texts';

/**
 * Who can be found at all, by state: each has partial indexes of its own, so that neither the dead slow down the living
 * nor the other way round. The erased are in none.
 */
export const STATES = {
  alive: 'customers.deleted_at is null',
  deleted: 'customers.deleted_at is not null and customers.erased_at is null',
} as const;

export type State = keyof typeof STATES;

export const statesOf = ({ deleted }: Filter): readonly State[] => {
  if (deleted === CustomerFilter_Deleted.DELETED_INCLUDE) return ['alive', 'deleted'];
  return deleted === CustomerFilter_Deleted.DELETED_ONLY ? ['deleted'] : ['alive'];
};

const OPERATORS = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;
const END_OF_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** As PostgreSQL reads it; what lies beyond its years is beyond every stored time as well. */
export const instant = (ms: number): string => (ms > END_OF_TIME ? 'infinity' : new Date(ms).toISOString());

/** Conditions on a column that holds a time. */
export const ofTime = (column: string, conditions: TimeConditions | undefined): Sql[] =>
  (['gt', 'gte', 'lt', 'lte'] as const).flatMap((operator) => {
    const ms = conditions?.[operator];
    return ms === undefined ? [] : sql(`${column} ${OPERATORS[operator]} ?::timestamptz`, instant(ms));
  });

const isOneOf = (column: string, values: readonly string[]): Sql[] =>
  values.length === 0 ? [] : [sql(`customers.${column} = any(?)`, values)];

/** Memberships of a deleted group stay in the table for a moment. */
const EXISTING_GROUPS = 'array(select id from customer_groups where id = any(?))';

/** The deleted are out of their groups, and so is everybody who was in a group that is deleted. */
const isMember = (group_ids: readonly string[], purpose: Purpose): Sql[] => {
  if (group_ids.length === 0) return [];
  return [
    purpose !== 'checking'
      ? sql(
          `customers.deleted_at is null and customers.id in (
             select customer_id from customer_group_members
              where group_id = any(?) and group_id = any(${EXISTING_GROUPS}))`,
          // Twice: only of values that it is given can the planner tell how many members there are.
          group_ids,
          group_ids,
        )
      : sql(
          `customers.deleted_at is null and exists (
             select from customer_group_members where group_id = any(${EXISTING_GROUPS}) and customer_id = customers.id offset 0)`,
          group_ids,
        ),
  ];
};

const ofConditions = (filter: Conditions, purpose: Purpose): Sql[] => [
  ...isOneOf('id', filter.ids),
  ...isOneOf('email', filter.emails),
  ...isOneOf('phone_key', filter.phones),
  ...isOneOf('external_id', filter.external_ids),
  ...isMember(filter.group_ids, purpose),
  ...(filter.has_account === undefined ? [] : [sql('customers.has_account = ?', filter.has_account)]),
  ...ofText('email', filter.email, purpose),
  ...ofText('first_name', filter.first_name, purpose),
  ...ofText('last_name', filter.last_name, purpose),
  ...ofText('phone', filter.phone, purpose),
  ...ofTime('customers.created_at', filter.created_at),
  ...ofTime('customers.updated_at', filter.updated_at),
  ...ofTime('customers.deleted_at', filter.deleted_at),
  ...(Object.keys(filter.metadata).length === 0
    ? []
    : [sql('customers.metadata @> ?::jsonb', JSON.stringify(filter.metadata))]),
];

/** What the filter asks beside the state, any_of left out. */
export const conditionsOf = (filter: Filter, purpose: Purpose): Sql[] => [
  ...(filter.q.id === undefined ? [] : [sql('customers.id = ?', filter.q.id)]),
  ...ofTerms(filter.q.terms, purpose),
  ...ofConditions(filter, purpose),
];

/** One condition for each filter of any_of. */
export const alternativesOf = (filter: Filter, purpose: Purpose): Sql[] =>
  filter.any_of.map((one) => every(ofConditions(one, purpose)));

/** What the filter asks beside the state. */
export const wholeOf = (filter: Filter, purpose: Purpose): Sql[] => [
  ...conditionsOf(filter, purpose),
  ...(filter.any_of.length === 0 ? [] : [some(alternativesOf(filter, purpose))]),
];

/**
 * A filter as one condition on a row of `customers`, for a `where` of any statement that reads that table under its own
 * name, such as short keyset statements: `where ${sql} and customers.id > ? order by customers.id limit 100`. It holds
 * the filter's `deleted` too; no filter lets an erased customer pass. `?` stands for each of `bindings`.
 */
export const compileFilter = (filter: Filter): Sql =>
  every([some(statesOf(filter).map((state) => sql(STATES[state]))), ...wholeOf(filter, 'checking')]);
