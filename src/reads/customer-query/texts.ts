import type { Filter, TextConditions } from '../../validation/customer-filter';
import { atMarks, beginningOfWord, isMarked, punctuationMarks } from '../../models/fold';
import { containing, escaped, every, some, sql, type Sql } from '../sql';
import { FEW_FOUND, lookUpOf, piecesOf, type LookUp, type RarityIn, type TextColumn } from './pieces';

/** Columns that hold texts in folded form, absent as empty. */
const FOLDED = {
  email: 'email',
  first_name: 'first_name_folded',
  last_name: 'last_name_folded',
  phone: 'phone_folded',
} as const;

/** What the index can tell of punctuation that a part of a text holds; says no more than the part itself. */
const ofMarks = (part: string): Sql[] =>
  [...new Set([...atMarks(part), ...punctuationMarks(part)])].map((mark) =>
    sql('customers.search_text like ?', containing(mark)),
  );

/** Three of a word's letters, its beginning, or two of its end: what the index can look a part up by. */
const INDEXED = /[\p{L}\p{N}]{3}|[^\p{L}\p{N}\p{M}][\p{L}\p{N}]|[\p{L}\p{N}]{2}[^\p{L}\p{N}\p{M}]/u;

/** A pattern that holds a part; kept from an index that would have to be read through for it. */
const hasPart = (column: TextColumn, part: string, pattern: string): Sql =>
  sql(`${INDEXED.test(part) ? `customers.${column}` : `(customers.${column} || '')`} like ?`, pattern);

/**
 * How conditions are asked. `checking` looks at one customer after the other. Collecting lets an index find them: groups
 * by their members, parts of texts by the pieces that the fewest have.
 */
export type Purpose = 'checking' | RarityIn;

/** The pieces by which the index finds parts; the column itself has the last word. */
const lookedUp = (
  column: TextColumn,
  parts: readonly string[],
  rarityIn: RarityIn,
  patternOf: (piece: string) => string = containing,
): Sql[] =>
  lookUpOf(parts, rarityIn(column)).pieces.map((piece) =>
    isMarked(piece)
      ? sql('customers.search_text like ?', containing(piece))
      : sql(`customers.${column} like ?`, patternOf(piece)),
  );

/** All of some parts, anywhere in a column. */
const hasAll = (column: TextColumn, parts: readonly string[], purpose: Purpose): Sql[] => {
  const whole = (part: string): Sql => hasPart(column, part, containing(part));
  if (purpose === 'checking') return parts.map(whole);
  const inPieces = parts.filter((part) => piecesOf(part).length > 0);
  return [
    ...lookedUp(column, inPieces, purpose),
    ...inPieces.map((part) => sql(`strpos(customers.${column}, ?) > 0`, part)),
    ...parts.filter((part) => !inPieces.includes(part)).map(whole),
  ];
};

/** E-mails and names have an index in their order, which finds what begins; phones have not. */
const startsWith = (field: keyof typeof FOLDED, part: string, purpose: Purpose): Sql[] => {
  const [column, pattern] = [FOLDED[field], `${escaped(part)}%`];
  if (field !== 'phone' || purpose === 'checking' || piecesOf(part).length === 0)
    return [sql(`customers.${column} like ?`, pattern)];
  return [...lookedUp(column, [part], purpose), sql(`(customers.${column} || '') like ?`, pattern)];
};

/** The end of a text ends a word, too. */
const ended = (part: string): string => `${part} `;

const endsWith = (column: TextColumn, part: string, purpose: Purpose): Sql[] => {
  const pattern = `%${escaped(part)}`;
  if (purpose === 'checking' || piecesOf(ended(part)).length === 0) return [hasPart(column, ended(part), pattern)];
  const patternOf = (piece: string): string =>
    part.includes(piece) ? containing(piece) : `%${escaped(piece.slice(0, -1))}`;
  return [...lookedUp(column, [ended(part)], purpose, patternOf), sql(`(customers.${column} || '') like ?`, pattern)];
};

/** Conditions on a text column of customers. */
export const ofText = (
  field: keyof typeof FOLDED,
  conditions: TextConditions | undefined,
  purpose: Purpose = 'checking',
): Sql[] => {
  if (conditions === undefined) return [];
  const column = FOLDED[field];
  const { equals, contains, starts_with, ends_with, is_null } = conditions;
  const marksOf = (part: string | undefined) => (part === undefined ? [] : ofMarks(part));
  return [
    equals === undefined ? [] : sql(`customers.${column} = ?`, equals),
    conditions.in.length === 0 ? [] : sql(`customers.${column} = any(?)`, conditions.in),
    starts_with === undefined ? [] : startsWith(field, starts_with, purpose),
    contains === undefined ? [] : hasAll(column, [contains], purpose),
    marksOf(contains),
    ends_with === undefined ? [] : endsWith(column, ends_with, purpose),
    marksOf(ends_with),
    is_null === undefined ? [] : sql(`customers.${column} ${is_null ? '=' : '>'} ''`),
  ].flat();
};

const WORD = /^[\p{L}\p{N}\p{M}]+$/u;

const isShort = (term: string): boolean => Array.from(term).length < 3;

/** What search_text holds for a term; a short one begins a word. */
const partOf = (term: string): string => (isShort(term) ? beginningOfWord(term) : term);

const SEVERAL_WORDS = /[\p{L}\p{N}][^\p{L}\p{N}\p{M}]+[\p{L}\p{N}]/u;

/** A term, all of its words in one column. */
const inSomeColumn = (term: string, purpose: Purpose): Sql =>
  some(Object.values(FOLDED).map((column) => every(hasAll(column, [term], purpose))));

/**
 * Those to be looked for in each column by itself, because search_text has words of several columns, and would find many:
 * every Anna Bergström for `anna.bergström`.
 */
const looseOf = (terms: readonly string[], purpose: Purpose): string[] => {
  const several = terms.filter((term) => SEVERAL_WORDS.test(term) && piecesOf(term).length > 0);
  if (purpose === 'checking' || several.length === 0) return [];
  return lookUpOf(terms.map(partOf), purpose('search_text')).found > FEW_FOUND ? several : [];
};

/** All terms of a search; a short one without letter or digit is nowhere. */
export const ofTerms = (terms: readonly string[], purpose: Purpose): Sql[] => {
  if (terms.some((term) => isShort(term) && !WORD.test(term))) return [sql('false')];
  const loose = looseOf(terms, purpose);
  return [
    ...loose.map((term) => inSomeColumn(term, purpose)),
    ...hasAll('search_text', terms.filter((term) => !loose.includes(term)).map(partOf), purpose),
    ...terms.filter((term) => !isShort(term)).flatMap(ofMarks),
  ];
};

/** What the index leaves to be looked at of customers whose texts fit: by the look-up that finds the fewest; undefined when it is not asked. */
export const lookUpIn = (filter: Filter, rarityIn: RarityIn): LookUp | undefined => {
  const ofTexts = (Object.keys(FOLDED) as (keyof typeof FOLDED)[]).flatMap((field) => {
    const { contains = '', starts_with = '', ends_with = '' } = filter[field] ?? {};
    const parts = [contains, field === 'phone' ? starts_with : '', ended(ends_with)];
    return parts.map((part) => [FOLDED[field], [part]] as const);
  });
  return [['search_text', filter.q.terms.map(partOf)] as const, ...ofTexts]
    .map(([column, parts]) => lookUpOf(parts, rarityIn(column)))
    .filter(({ pieces }) => pieces.length > 0)
    .reduce<LookUp | undefined>(
      (best, next) => (best === undefined || next.found < best.found ? next : best),
      undefined,
    );
};
