import { CustomerFilter_Deleted } from '../../gen/customer/v1/customer';
import type { Conditions, Filter, TextConditions } from '../../validation/customer-filter';
import type { TimeConditions } from '../../validation/time-filter';
import { punctuationMarks } from '../../models/fold';
import { containing, escaped, every, some, sql, type Sql } from '../sql';
import { lookUpOf, piecesOf, type Rarity } from './pieces';

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

/** Columns that hold texts in folded form, absent as empty. */
const FOLDED = {
  email: 'email',
  first_name: 'first_name_folded',
  last_name: 'last_name_folded',
  phone: 'phone_folded',
} as const;

/** What the index can tell of punctuation that a part of a text holds; says no more than the part itself. */
const ofMarks = (part: string): Sql[] =>
  [...new Set(punctuationMarks(part))].map((mark) => sql('customers.search_text like ?', `% ${mark}%`));

/** Three of a word's letters, its beginning, or two of its end: what the index can look a part up by. */
const INDEXED = /[\p{L}\p{N}]{3}|[^\p{L}\p{N}\p{M}][\p{L}\p{N}]|[\p{L}\p{N}]{2}[^\p{L}\p{N}\p{M}]/u;

/** A pattern that holds a part; kept from an index that would have to be read through for it. */
const hasPart = (column: string, part: string, pattern: string): Sql =>
  sql(`${INDEXED.test(part) ? column : `(${column} || '')`} like ?`, pattern);

/**
 * How conditions are asked. `checking` looks at one customer after the other. Collecting lets an index find them: groups
 * by their members, parts of texts by the pieces that the fewest have.
 */
export type Purpose = 'checking' | Rarity;

/** The pieces by which the index finds parts; the column itself has the last word. */
const lookedUp = (
  column: string,
  parts: readonly string[],
  rarity: Rarity,
  patternOf: (piece: string) => string = containing,
): Sql[] => lookUpOf(parts, rarity).pieces.map((piece) => sql(`${column} like ?`, patternOf(piece)));

/** All of some parts, anywhere in a column. */
const hasAll = (column: string, parts: readonly string[], purpose: Purpose): Sql[] => {
  const whole = (part: string): Sql => hasPart(column, part, containing(part));
  if (purpose === 'checking') return parts.map(whole);
  const inPieces = parts.filter((part) => piecesOf(part).length > 0);
  return [
    ...lookedUp(column, inPieces, purpose),
    ...inPieces.map((part) => sql(`strpos(${column}, ?) > 0`, part)),
    ...parts.filter((part) => !inPieces.includes(part)).map(whole),
  ];
};

/** The end of a text ends a word, too. */
const ended = (part: string): string => `${part} `;

const endsWith = (column: string, part: string, purpose: Purpose): Sql[] => {
  const pattern = `%${escaped(part)}`;
  if (purpose === 'checking' || piecesOf(ended(part)).length === 0) return [hasPart(column, ended(part), pattern)];
  const patternOf = (piece: string): string =>
    part.includes(piece) ? containing(piece) : `%${escaped(piece.slice(0, -1))}`;
  return [...lookedUp(column, [ended(part)], purpose, patternOf), sql(`(${column} || '') like ?`, pattern)];
};

/** Conditions on a text column of customers. */
export const ofText = (
  field: keyof typeof FOLDED,
  conditions: TextConditions | undefined,
  purpose: Purpose = 'checking',
): Sql[] => {
  if (conditions === undefined) return [];
  const column = `customers.${FOLDED[field]}`;
  const { equals, contains, starts_with, ends_with, is_null } = conditions;
  const like = (pattern: string) => sql(`${column} like ?`, pattern);
  const marksOf = (part: string | undefined) => (part === undefined ? [] : ofMarks(part));
  return [
    equals === undefined ? [] : sql(`${column} = ?`, equals),
    conditions.in.length === 0 ? [] : sql(`${column} = any(?)`, conditions.in),
    starts_with === undefined ? [] : like(`${escaped(starts_with)}%`),
    contains === undefined ? [] : hasAll(column, [contains], purpose),
    marksOf(contains),
    ends_with === undefined ? [] : endsWith(column, ends_with, purpose),
    marksOf(ends_with),
    is_null === undefined ? [] : sql(`${column} ${is_null ? '=' : '>'} ''`),
  ].flat();
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

const WORD = /^[\p{L}\p{N}\p{M}]+$/u;

const isShort = (term: string): boolean => Array.from(term).length < 3;

/** A short term begins a word: words stand in search_text after a blank each. */
const beginsWord = (term: string): Sql =>
  WORD.test(term) ? sql('customers.search_text like ?', `% ${term}%`) : sql('false');

const ofTerms = (terms: readonly string[], purpose: Purpose): Sql[] => {
  const long = terms.filter((term) => !isShort(term));
  return [
    ...terms.filter(isShort).map(beginsWord),
    ...hasAll('customers.search_text', long, purpose),
    ...long.flatMap(ofMarks),
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

/** How many customers the indexes of texts leave to be looked at, by estimate; undefined when none of them is asked. */
export const foundByText = (filter: Filter, rarity: Rarity): number | undefined => {
  const texts = [filter.email, filter.first_name, filter.last_name, filter.phone];
  const lookUps = [
    filter.q.terms,
    ...texts.flatMap((text) => (text?.contains === undefined ? [] : [[text.contains]])),
    ...texts.flatMap((text) => (text?.ends_with === undefined ? [] : [[ended(text.ends_with)]])),
  ].map((parts) => lookUpOf(parts, rarity));
  const found = lookUps.flatMap(({ pieces, found: left }) => (pieces.length === 0 ? [] : [left]));
  return found.length === 0 ? undefined : Math.min(...found);
};

/** One condition for each filter of any_of. */
export const alternativesOf = (filter: Filter, purpose: Purpose): Sql[] =>
  filter.any_of.map((one) => every(ofConditions(one, purpose)));

/**
 * A filter as one condition on a row of `customers`, for a `where` of any statement that reads that table under its own
 * name, such as short keyset statements: `where ${sql} and customers.id > ? order by customers.id limit 100`. It holds
 * the filter's `deleted` too; no filter lets an erased customer pass. `?` stands for each of `bindings`.
 */
export const compileFilter = (filter: Filter, purpose: Purpose = 'checking'): Sql =>
  every([
    some(statesOf(filter).map((state) => sql(STATES[state]))),
    ...conditionsOf(filter, purpose),
    ...(filter.any_of.length === 0 ? [] : [some(alternativesOf(filter, purpose))]),
  ]);
