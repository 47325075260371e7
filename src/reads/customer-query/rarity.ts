import type { Knex } from 'knex';
import { asIndexed, type Rarity } from './pieces';
import { somePages } from './sample';
import { run, sql } from '../sql';

/** Enough to tell what is common; counted in a few milliseconds, in which nobody else is served. */
const TEXTS = 500;
/** Hold so many texts, if there are. */
const SAMPLED = somePages('64');
/** Names and addresses change slowly, and a wrong guess costs time, no match. */
const KEPT_MS = 60_000;
/** A small table may grow fast, and is counted in no time. */
const KEPT_OF_FEW_MS = 1_000;

/** Counts in how many of some texts each three characters in a row occur. */
const countPieces = (texts: readonly string[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const text of texts.map(asIndexed)) {
    const pieces = new Set<string>();
    for (let at = 0; at + 3 <= text.length; at += 1) pieces.add(text.slice(at, at + 3));
    for (const piece of pieces) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  return counts;
};

/** Tells how common the pieces are of what search looks through, by a sample of it that is taken now and then. */
export type RarityIn = (trx: Knex.Transaction) => Promise<Rarity>;

export const createRarity = (): RarityIn => {
  let known: { readonly rarity: Rarity; readonly until: number } | undefined;
  return async (trx) => {
    if (known !== undefined && performance.now() < known.until) return known.rarity;
    const rows = await run<{ search_text: string; texts: number }>(
      trx,
      sql(
        `select search_text, 100 * count(*) over () / percent as texts from ${SAMPLED} order by hashtext(id) limit ${TEXTS}`,
      ),
    );
    const counts = countPieces(rows.map(({ search_text }) => search_text));
    const texts = rows[0]?.texts ?? 0;
    const each = texts / Math.max(1, rows.length);
    // One more than seen: what none of some has may be in many of all.
    const rarity: Rarity = { texts, having: (piece) => each * ((counts.get(asIndexed(piece)) ?? 0) + 1) };
    known = { rarity, until: performance.now() + (rows.length < TEXTS ? KEPT_OF_FEW_MS : KEPT_MS) };
    return rarity;
  };
};
