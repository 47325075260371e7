import type { Knex } from 'knex';
import type { Filter } from '../../validation/customer-filter';
import type { Order } from '../../validation/paging';
import { STATES, statesOf, wholeOf } from './conditions';
import { rarityOf, type LookUp } from './pieces';
import { sample } from './sample';
import { byCollecting, byWalking, type PageQuery, type Row } from './statements';
import { shareWithin, stretchOf } from './stretch';
import type { Survey, SurveyIn } from './survey';
import { lookUpIn } from './texts';
import { concat, every, run, sql, unionAll } from '../sql';
import { aheadOf, walkOf } from './walk';

/**
 * For plans that hold whatever the statistics say: along indexes, never through the table, a page in the order of an
 * index instead of sorted. To compile a plan takes longer than to run it. In this memory fit half a million rows that
 * an index found; without it, whole pages are looked at again for them.
 */
export const ALONG_INDEXES = { enable_seqscan: 'off', enable_sort: 'off', jit: 'off', work_mem: '32MB' };

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
/** Fewer hits on the way tell nothing about the way further on, or about how long the next stretch must be. */
const TELLING = { onTheWay: 4, inStretch: 2 } as const;

/**
 * Of one match collected, one entry of lists compared, one stretch of time found, one customer walked over: µs, at ten
 * million customers. Customers lie in the table as they came, so that along `created_at` neighbours are in one page;
 * along anything else each is in another.
 */
export const COST = { match: 3, posting: 0.08, stretch: 1_000, step: 0.5, farStep: 3 };

const stepCost = ({ by }: Order): number => (by === 'created_at' ? COST.step : COST.farStep);

/** A first stretch holds such a share of all customers: it is looked through in a few milliseconds, and tells how many match. */
const FIRST_SHARE = 1 / 100;
/** Of metadata nothing is known beforehand; such a share is as good a guess as any. */
const UNKNOWN = 1 / 1_000;
/** So many times what should do: chance has its part in it. */
const AMPLE = 2;

/** Customers on the way, and how many of them match. */
type Seen = { readonly rows: number; readonly hits: number };

/** How many matched before a page that came short ended. */
const hitsOf = ({ skip }: PageQuery, page: readonly Row[]): number => (page.length === 0 ? 0 : skip + page.length);

/** Whether an index finds metadata; how much, nobody knows. */
const isByMetadata = ({ metadata }: Filter): boolean => Object.keys(metadata).length > 0;

/** Where the customers of a page begin, in milliseconds: at its token, or where the filter says. */
const beginOf = ({ cursor, order, filter: { created_at } }: PageQuery): number | undefined => {
  if (cursor !== undefined) return Number(cursor.key);
  return order.direction === 'desc' ? (created_at?.lt ?? created_at?.lte) : (created_at?.gt ?? created_at?.gte);
};

/**
 * Lets the index look through one stretch of time, and a longer one when that holds too few. Undefined when another way
 * is better, or nothing was seen that tells which.
 */
const lookThrough = async (
  trx: Knex.Transaction,
  query: PageQuery,
  survey: Survey,
  lookUp: LookUp | undefined,
  seen: Seen,
): Promise<Row[] | undefined> => {
  const { filter, order, limit, skip } = query;
  const { customers, times, rarityIn } = survey;
  if (order.by !== 'created_at' || (lookUp === undefined && !isByMetadata(filter))) return undefined;
  for (let { rows, hits } = seen; ;) {
    const isTold = hits >= TELLING.inStretch;
    const rate = isTold ? hits / rows : lookUp === undefined ? UNKNOWN : lookUp.found / customers;
    const next = isTold ? (AMPLE * (limit + skip)) / rate : FIRST_SHARE * customers;
    const stretch = stretchOf(times, order.direction, beginOf(query), next / customers);
    const { postings, found: matches } = lookUp ?? { postings: 0, found: rate * customers };
    const collecting = postings * COST.posting + matches * COST.match;
    const walking = next * stepCost(order);
    const looking = COST.stretch + (stretch?.share ?? 1) * collecting;
    const tells = isTold || rate * next >= TELLING.inStretch;
    if (stretch === undefined || !tells || looking > Math.min(collecting, walking)) {
      return isTold && collecting < walking ? run<Row>(trx, byCollecting(query, rarityIn)) : undefined;
    }
    // Where nobody may have all pieces, the index compares the lists of three to their ends before it asks when they came.
    const stretchRarity = rarityOf(stretch.share, rarityIn, isTold ? undefined : 2);
    const found = await run<Row>(trx, byCollecting(query, stretchRarity, [stretch.condition]));
    if (found.length === limit) return found;
    // No less than was asked for, or where many came at one time the same days would be asked for again.
    [rows, hits] = [Math.max(next, stretch.share * customers), hitsOf(query, found)];
    if (hits < TELLING.inStretch) return undefined;
  }
};

/**
 * One page. No way to find one is good for every filter: walking along the order reads the table through when hardly
 * anybody matches, collecting reads all that match when nearly everybody does, and which is which no statistics tell for
 * a part of a text. So: walk a little; when that does not fill the page, and customers are listed as they came, let the
 * index look through a stretch of time; else sample the table, and then do what costs less. Whoever walked on and came
 * short knows better how far it is, and decides again.
 */
export const readPage = async (trx: Knex.Transaction, asked: PageQuery, surveyIn: SurveyIn): Promise<Row[]> => {
  const { order, cursor, limit, skip } = asked;
  const filter = aheadOf(asked.filter, order, cursor);
  const query = { ...asked, filter };
  const collect = async () => run<Row>(trx, byCollecting(query, (await surveyIn(trx)).rarityIn));
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
  const survey = await surveyIn(trx);
  const lookUp = lookUpIn(filter, survey.rarityIn);
  const page = await lookThrough(trx, query, survey, lookUp, { rows: steps, hits: hitsOf(query, found) });
  if (page !== undefined) return page;
  if (lookUp !== undefined && lookUp.found <= FEW) return collect();

  const { rows, hits, scale } = await sample(trx, filter, walk);
  // Who came at one time lies in a few pages, and the sample may hold one of them.
  const inTime = shareWithin(survey.times, asked.filter.created_at ?? {}) * survey.customers;
  const matches = Math.min(hits * scale, inTime);
  if (matches <= FEW) return collect();
  const byText = lookUp?.found;
  const worth = ((byText ?? matches) * COST.match) / stepCost(order);
  // No more can match than the index finds.
  const isChance = hits < TELLING.onTheWay && byText !== undefined;
  const expectedRate = Math.min(matches / (rows * scale), isChance ? byText / survey.customers : 1);
  for (;;) {
    const hitsOnTheWay = hitsOf(query, found);
    const rate = hitsOnTheWay < TELLING.onTheWay ? expectedRate : hitsOnTheWay / steps;
    // A few hits are chance; as far as they say then, and twice as far on better grounds.
    const ample = Math.max(hits, hitsOnTheWay) < TELLING.onTheWay ? 1 : 2;
    // The matches may all lie far ahead; then no more is lost than collecting them costs.
    const further = Math.ceil(Math.min((ample * enough) / rate, worth));
    if (further < enough / rate || further <= steps) return collect();
    steps = further;
    found = await walkOver(steps);
    if (found.length === limit) return found;
  }
};

/** How many match, exactly. */
export const countMatches = async (trx: Knex.Transaction, filter: Filter, surveyIn: SurveyIn): Promise<number> => {
  const { rarityIn } = await surveyIn(trx);
  const arms = statesOf(filter).map((state) =>
    concat(
      sql('select count(*) as matches from customers where'),
      every([sql(STATES[state]), ...wholeOf(filter, rarityIn)]),
    ),
  );
  const [count] = await run<{ total: number }>(
    trx,
    concat(sql('select sum(matches)::int as total from ('), unionAll(arms), sql(') as arms')),
  );
  return count?.total ?? 0;
};
