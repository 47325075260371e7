/** Which share of the texts holds a piece, from 0 to 1. */
export type ShareOf = (piece: string) => number;

/** Each three letters or digits in a row of a part of a text: what the trigram index knows of it. */
export const piecesOf = (part: string): string[] => [
  ...new Set(Array.from(part.matchAll(/(?=([\p{L}\p{N}]{3}))/gu), ([, piece = '']) => piece)),
];

const ENOUGH = 3;
/** What one in twenty has tells hardly anything beside what is rarer. */
const COMMON = 1 / 20;

/** Each of them tells half of what the other does. */
const overlap = (one: string, other: string): boolean =>
  one.slice(1) === other.slice(0, 2) || other.slice(1) === one.slice(0, 2);

/**
 * By which pieces texts are looked up that hold all of some parts. The index compares the lists of all pieces that it is
 * asked for, and those of common ones are long; the rarest few leave hardly any row that has not all the others as well.
 */
export const rarestOf = (parts: readonly string[], shareOf: ShareOf): string[] => {
  const ranked = (pieces: readonly string[]) => [...pieces].sort((one, other) => shareOf(one) - shareOf(other));
  const ofEach = parts.flatMap((part) => ranked(piecesOf(part)).slice(0, 1));
  const chosen = new Set(ranked(ofEach).slice(0, ENOUGH));
  for (const piece of ranked(parts.flatMap(piecesOf))) {
    if (chosen.size >= ENOUGH || shareOf(piece) > COMMON) break;
    if (![...chosen].some((other) => overlap(piece, other))) chosen.add(piece);
  }
  return [...chosen];
};
