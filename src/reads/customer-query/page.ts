import type { Knex } from 'knex';
import type { Cursor } from '../../security/page-tokens';
import type { Filter } from '../../validation/customer-filter';
import type { Order } from '../../validation/paging';
import { alternativesOf, conditionsOf, STATES, statesOf, wholeOf } from './conditions';
import type { Rarity } from './pieces';
import type { RarityIn } from './rarity';
import { sample } from './sample';
import { foundByText } from './texts';
import { concat, every, run, sql, unionAll, type Sql } from '../sql';
import { isAfter, keyOf, walkOf, type Walk } from './walk';

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

/**
 * For plans that hold whatever the statistics say: along indexes, never through the table, a page in the order of an
 * index instead of sorted. To compile a plan takes longer than to run it. In this memory fit half a million rows that
 * an index found; without it, whole pages are looked at again for them.
 */
export const ALONG_INDEXES = { enable_seqscan: 'off', enable_sort: 'off', jit: 'off', work_mem: '32MB' };

type Row = Readonly<Record<string, unknown>> & { readonly id: string; readonly sort_key: Date | string };

const inOrder = ({ order, skip, limit }: PageQuery): Sql =>
  sql(`order by sort_key ${order.direction}, id ${order.direction} offset ? limit ?`, skip, limit);

const selected = ({ columns }: PageQuery): string => columns.join(', ');

/** Looks at the next `budget` rows in order and answers those that match. Right when many match. */
const byWalking = (query: PageQuery, walk: Walk, rest: readonly Sql[], budget: number): Sql => {
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
 * planner from walking the order instead; each alternative of any_of is looked for by an index of its own.
 */
const byCollecting = (query: PageQuery, rarity: Rarity): Sql => {
  const { filter, order, cursor } = query;
  const alternatives = alternativesOf(filter, rarity);
  const matches = statesOf(filter).map((state) => {
    const common = [sql(STATES[state]), ...conditionsOf(filter, rarity), ...after(order, cursor)];
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

/** What holds at most two rows for each value given. */
const isKeyed = ({ q, ids, emails, external_ids }: Filter): boolean =>
  q.id !== undefined || ids.length + emails.length + external_ids.length > 0;

/** So many matches are collected and sorted in a few milliseconds. */
const FEW = 4_000;

/** Whether groups have so few members that these are quickly collected; no group is no limit. */
const isSmall = async (trx: Knex.Transaction, group_ids: readonly string[]): Promise<boolean> => {
  if (group_ids.length === 0) return false;
  const members = `select from customer_group_members where group_id = any(?) limit ${FEW}`;
  const [found] = await run<{ members: number }>(
    trx,
    sql(`select count(*)::int as members from (${members}) as some_members`, group_ids),
  );
  return found !== undefined && found.members < FEW;
};

/** A first walk looks at so many rows for each that is wanted. */
const FIRST_STEPS = 10;
/** Fewer hits on the way tell nothing about the way further on. */
const TELLING_HITS = 4;

/**
 * Over how many rows one walks in the time in which one match is collected. Customers lie in the table as they came, so
 * that along `created_at` neighbours are in one page; along anything else each is in another.
 */
const stepsPerMatch = ({ by }: Order): number => (by === 'created_at' ? 6 : 1);

/**
 * One page. Neither way to find one is good for every filter: walking along the order reads the table through when
 * hardly anybody matches, collecting reads all that match when nearly everybody does, and which is which no statistics
 * tell for a part of a text. So: walk a little; when that does not fill the page, sample the table, and then do what
 * costs less. Whoever walked on and came short knows better how far it is, and decides again.
 */
export const readPage = async (trx: Knex.Transaction, query: PageQuery, rarityIn: RarityIn): Promise<Row[]> => {
  const { filter, order, cursor, limit, skip } = query;
  const collect = async () => run<Row>(trx, byCollecting(query, await rarityIn(trx)));
  if (isKeyed(filter)) return collect();
  const walk = walkOf(filter, order, cursor);
  const rest = wholeOf(walk.rest, 'checking');
  const enough = limit + skip;
  const walkOver = (steps: number) => run<Row>(trx, byWalking(query, walk, rest, steps));
  if (rest.length === 0) return walkOver(enough);
  if (await isSmall(trx, filter.group_ids)) return collect();

  let steps = FIRST_STEPS * enough;
  let found = await walkOver(steps);
  if (found.length === limit) return found;
  const { rows, hits, scale } = await sample(trx, filter, walk);
  const matches = hits * scale;
  if (matches <= FEW) return collect();
  const rarity = await rarityIn(trx);
  const byText = foundByText(filter, rarity);
  const worth = (byText ?? matches) * stepsPerMatch(order);
  // No more can match than the index finds.
  const isChance = hits < TELLING_HITS && byText !== undefined;
  const expectedRate = Math.min(hits / Math.max(1, rows), isChance ? byText / rarity.texts : 1);
  for (;;) {
    const hitsOnTheWay = found.length === 0 ? 0 : skip + found.length;
    const rate = hitsOnTheWay < TELLING_HITS ? expectedRate : hitsOnTheWay / steps;
    // A few hits are chance; as far as they say then, and twice as far on better grounds.
    const ample = Math.max(hits, hitsOnTheWay) < TELLING_HITS ? 1 : 2;
    // The matches may all lie far ahead; then no more is lost than collecting them costs.
    const further = Math.ceil(Math.min((ample * enough) / rate, worth));
    if (further < enough / rate || further <= steps) return collect();
    steps = further;
    found = await walkOver(steps);
    if (found.length === limit) return found;
  }
};

/** How many match, exactly. */
export const countMatches = async (trx: Knex.Transaction, filter: Filter, rarityIn: RarityIn): Promise<number> => {
  const rarity = await rarityIn(trx);
  const arms = statesOf(filter).map((state) =>
    concat(
      sql('select count(*) as matches from customers where'),
      every([sql(STATES[state]), ...wholeOf(filter, rarity)]),
    ),
  );
  const [count] = await run<{ total: number }>(
    trx,
    concat(sql('select sum(matches)::int as total from ('), unionAll(arms), sql(') as arms')),
  );
  return count?.total ?? 0;
};
