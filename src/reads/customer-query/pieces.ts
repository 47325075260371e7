import { beginningAfter } from '../../models/fold';

/** When no more pieces are asked for: so few texts are found, or so many pieces are asked for already. */
type Enough = { readonly found: number; readonly pieces: number };

/** How many texts there are, and in how many the index finds a piece; estimates both. */
export type Rarity = {
  readonly texts: number;
  readonly having: (piece: string) => number;
  readonly enough?: Enough;
};

/** The columns of `customers` that the index looks texts up in. */
export const TEXT_COLUMNS = ['search_text', 'email', 'first_name_folded', 'last_name_folded', 'phone_folded'] as const;
export type TextColumn = (typeof TEXT_COLUMNS)[number];

/** What is rare in one column may be common in another. */
export type RarityIn = (column: TextColumn) => Rarity;

/** The same of those texts that came in a stretch of time, a share of all. */
export const rarityOf =
  (share: number, rarityIn: RarityIn, pieces = ENOUGH.pieces): RarityIn =>
  (column) => {
    const { texts, having } = rarityIn(column);
    const enough = { found: Math.max(ENOUGH_OF_FEW, share * ENOUGH.found), pieces };
    return { texts: share * texts, having: (piece) => share * having(piece), enough };
  };

/** As the index sees a text: it knows no punctuation, only where a word ends. */
export const asIndexed = (text: string): string => text.replace(/[^\p{L}\p{N}\p{M}]/gu, ' ');

/**
 * Each three letters or digits in a row of a part of a text, each two at the end of a word, and the mark of each two at the
 * beginning of one.
 */
export const piecesOf = (part: string): string[] => [
  ...new Set(
    Array.from(
      part.matchAll(/(?=([\p{L}\p{N}]{3}|[\p{L}\p{N}]{2}[^\p{L}\p{N}\p{M}]|([^\p{L}\p{N}\p{M}])([\p{L}\p{N}]{2})))/gu),
      ([, piece = '', before, beginning = '']) => (before === undefined ? piece : beginningAfter(before, beginning)),
    ),
  ),
];

/** Words of letters, with what is before and behind them. */
const WORDS = /(?<=([^\p{L}\p{N}\p{M}]?))(\p{L}+)(?=([^\p{L}\p{N}\p{M}]?))/gu;

/**
 * Those that tell something of their own: of a word of letters the rarest, which the others mostly come with, and all with
 * digits; what there is where there are none of these.
 */
const tellingOf = (part: string, { having }: Rarity): string[] => {
  const ofWords = Array.from(part.matchAll(WORDS), ([, before = '', word = '', behind = '']) =>
    piecesOf(`${before}${word}${behind}`).reduce<string[]>(
      ([best], piece) => [best === undefined || having(piece) < having(best) ? piece : best],
      [],
    ),
  ).flat();
  const all = piecesOf(part);
  const telling = [...ofWords, ...all.filter((piece) => /\p{N}/u.test(piece))];
  return telling.length > 0 ? telling : all;
};

/** So few rows are looked at in no time. */
export const FEW_FOUND = 2_000;
const ENOUGH: Enough = { found: FEW_FOUND, pieces: 5 };
/** Lists that are short cost less than rows. */
const ENOUGH_OF_FEW = 200;
/** A longer list costs more than it tells. */
const COMMON = 1 / 2;
/** Of the texts with a piece about so many have the one that overlaps it as well. */
const OVERLAPPING = 1 / 3;

const overlap = (one: string, other: string): boolean =>
  one.slice(1) === other.slice(0, 2) || other.slice(1) === one.slice(0, 2);

/** By what the index looks texts up. Both numbers are estimates. */
export type LookUp = {
  readonly pieces: readonly string[];
  /** In so many texts it finds all of the pieces. */
  readonly found: number;
  /** So long are the two lists that it compares from end to end; in others it leaps. */
  readonly postings: number;
};

/**
 * How to look up the texts that hold all of some parts: by as many of the rarest pieces as leave few rows to be looked at.
 * The index compares the lists of all pieces that it is asked for, and those of common ones are long.
 */
export const lookUpOf = (parts: readonly string[], rarity: Rarity): LookUp => {
  const { texts, having, enough = ENOUGH } = rarity;
  const pieces: string[] = [];
  /** Of the texts with all pieces so far, those with this one as well. */
  const shareOf = (piece: string): number =>
    Math.max(having(piece) / Math.max(1, texts), pieces.some((other) => overlap(piece, other)) ? OVERLAPPING : 0);
  let found = texts;
  let open = [...new Set(parts.flatMap((part) => tellingOf(part, rarity)))];
  while (open.length > 0 && pieces.length < enough.pieces && (found > enough.found || pieces.length === 0)) {
    const [share, next] = open.map((piece) => [shareOf(piece), piece] as const).reduce((a, b) => (b[0] < a[0] ? b : a));
    if (share > COMMON && pieces.length > 0) break;
    pieces.push(next);
    found *= share;
    open = open.filter((piece) => piece !== next);
  }
  const postings = pieces.length > 1 ? pieces.slice(0, 2).reduce((sum, piece) => sum + having(piece), 0) : 0;
  return { pieces, found, postings };
};
