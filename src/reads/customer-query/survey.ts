import type { Knex } from 'knex';
import { memoized } from '../../memoized';
import { isMarked } from '../../models/fold';
import { asIndexed, TEXT_COLUMNS, type RarityIn, type TextColumn } from './pieces';
import { somePages } from './sample';
import { run, sql } from '../sql';

/** Enough to tell what is common; counted in a few milliseconds, in which nobody else is served. */
const TEXTS = 500;
/** About one text of a page: neighbours came at the same time. */
const SAMPLED = somePages(String(TEXTS));
/** Names and addresses change slowly, and a wrong guess costs time, no match. */
const KEPT_MS = 60_000;
/** A small table may grow fast, and is counted in no time. */
const KEPT_OF_FEW_MS = 1_000;

/** What a sample tells of all customers. */
export type Survey = {
  /** How many there are, by estimate. */
  readonly customers: number;
  readonly rarityIn: RarityIn;
  /** When they came, in milliseconds and ascending: the first, some in between, the last. */
  readonly times: readonly number[];
};

/** Counts in how many of some texts each three characters in a row occur. */
const countPieces = (texts: readonly (string | null)[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const text of texts.map((one) => asIndexed(` ${one ?? ''} `))) {
    const pieces = new Set<string>();
    for (let at = 0; at + 3 <= text.length; at += 1) pieces.add(text.slice(at, at + 3));
    for (const piece of pieces) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  return counts;
};

/** Tells what customers there are, by a sample of them that is taken now and then. */
export type SurveyIn = (trx: Knex.Transaction) => Promise<Survey>;

type Sampled = Readonly<Record<TextColumn, string | null>> & {
  readonly created_at: Date;
  readonly customers: number;
  readonly first: Date | null;
  readonly last: Date | null;
};

export const createSurvey = (): SurveyIn => {
  let known: { readonly survey: Survey; readonly until: number } | undefined;
  return async (trx) => {
    if (known !== undefined && performance.now() < known.until) return known.survey;
    const rows = await run<Sampled>(
      trx,
      sql(
        `select ${TEXT_COLUMNS.join(', ')}, created_at, (100 * count(*) over () / percent)::float as customers,
                (select min(created_at) from customers where deleted_at is null) as first,
                (select max(created_at) from customers where deleted_at is null) as last
           from ${SAMPLED} order by hashtext(id) limit ${TEXTS}`,
      ),
    );
    const { customers = 0, first = null, last = null } = rows[0] ?? {};
    const each = customers / Math.max(1, rows.length);
    const countsIn = memoized((column: TextColumn) => countPieces(rows.map((row) => row[column])));
    const survey: Survey = {
      customers,
      rarityIn: (column) => ({
        texts: customers,
        // One more than seen: what none of some has may be in many of all.
        having: (piece) => each * ((countsIn(isMarked(piece) ? 'search_text' : column).get(asIndexed(piece)) ?? 0) + 1),
      }),
      times: [...rows.map(({ created_at }) => created_at), first ?? [], last ?? []]
        .flat()
        .map((time) => time.getTime())
        .sort((a, b) => a - b),
    };
    known = { survey, until: performance.now() + (rows.length < TEXTS ? KEPT_OF_FEW_MS : KEPT_MS) };
    return survey;
  };
};
