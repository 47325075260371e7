/** How many texts there are, and how many of them hold a piece; estimates both. */
export type Rarity = { readonly texts: number; readonly having: (piece: string) => number };

/** Each three letters or digits in a row of a part of a text: what the trigram index knows of it. */
export const piecesOf = (part: string): string[] => [
  ...new Set(Array.from(part.matchAll(/(?=([\p{L}\p{N}]{3}))/gu), ([, piece = '']) => piece)),
];

/** So few rows are looked at in no time. */
const FEW = 2_000;
const MOST = 5;
/** What one in twenty has tells hardly anything beside what is rarer. */
const COMMON = 1 / 20;

/** Each of them tells half of what the other does. */
const overlap = (one: string, other: string): boolean =>
  one.slice(1) === other.slice(0, 2) || other.slice(1) === one.slice(0, 2);

/**
 * By which pieces texts are looked up that hold all of some parts: as many of the rarest as leave few rows to be looked
 * at, one of each part first. The index compares the lists of all pieces that it is asked for, and those of common ones
 * are long.
 */
export const rarestOf = (parts: readonly string[], { texts, having }: Rarity): string[] => {
  const ranked = (pieces: readonly string[]) => [...pieces].sort((one, other) => having(one) - having(other));
  const ofEach = ranked(parts.flatMap((part) => ranked(piecesOf(part)).slice(0, 1)));
  const others = ranked(parts.flatMap(piecesOf)).filter((piece) => having(piece) < COMMON * texts);
  const chosen: string[] = [];
  let left = Infinity;
  for (const piece of [...ofEach, ...others]) {
    if (left <= FEW || chosen.length === MOST) break;
    if (chosen.some((other) => piece === other || overlap(piece, other))) continue;
    chosen.push(piece);
    left = Math.min(left, texts) * (having(piece) / Math.max(1, texts));
  }
  return chosen;
};
