/** Case folding, the same for every stored column and every comparison: NFC, lower case, NFC again. Never SQL's lower(). */
export const fold = (text: string): string => text.normalize('NFC').toLowerCase().normalize('NFC');

/** A phone number as it is compared: without blanks, dots, dashes, slashes and brackets, a leading 00 as +. */
export const phoneKey = (phone: string): string => phone.replace(/[\s.\p{Pd}/()[\]]/gu, '').replace(/^00/, '+');

export type Searchable = {
  readonly email: string | null;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly phone: string | null;
};

/**
 * Names each pair of neighbours that are neither letters nor digits, in capitals, which no folded text holds. The
 * trigram index knows letters and digits only: it finds `---` or two emojis by these names.
 */
export const punctuationMarks = (text: string): string[] => {
  // Nearly no text has any.
  if (!/[^\p{L}\p{N}\p{M}]{2}/u.test(text)) return [];
  return Array.from(text.matchAll(/(?=([^\p{L}\p{N}\p{M}]{2}))/gu), ([, pair = '']) =>
    Array.from(pair, (character) => (character.codePointAt(0) ?? 0).toString(16)).join('z'),
  ).map((hex) => `Q${hex.replace(/./g, (digit) => 'ABCDEFGHIJKLMNOP'[parseInt(digit, 16)] ?? 'Z')}Q`);
};

/**
 * Stand before each word. With the second, one or two letters that begin a word are three in a row, for which the trigram
 * index has a list. Capitals of an alphabet that is no longer used: no folded text holds them.
 */
const BEGIN = ['Ƨ', 'Ƽ'] as const;

/** What search_text holds when a word begins with one or two characters. */
export const beginningOfWord = (characters: string): string =>
  Array.from(characters).length === 1 ? `${BEGIN.join('')}${characters}` : `${BEGIN[1]}${characters}`;

/** Stands for an @, between the letters beside it: so the trigram index finds `jensen@`, not every Jensen. */
const AT = 'ƄƄ';

/** What search_text holds when a text holds each @ of this part, with what is beside it; nothing for a mere @. */
export const atMarks = (part: string): string[] => {
  if (!part.includes('@')) return [];
  return Array.from(part.matchAll(/([\p{L}\p{N}]?)@(?=([\p{L}\p{N}]?))/gu), ([, before = '', after = '']) =>
    before === '' && after === '' ? [] : `${before}${AT}${after}`,
  ).flat();
};

/** Stands before a word that follows punctuation: it finds `anna.dąb` without a look at every Dąbrowska. */
const AFTER_PUNCTUATION = 'Ƣ';

const PUNCTUATION = /[^\p{L}\p{N}\p{M}\s@]/u;

/** What search_text holds when a word begins with two characters, right after another one. */
export const beginningAfter = (before: string, characters: string): string =>
  PUNCTUATION.test(before) ? `${AFTER_PUNCTUATION}${characters}` : beginningOfWord(characters);

/** Whether it is search_text alone that holds these characters. */
export const isMarked = (characters: string): boolean =>
  [...BEGIN, AFTER_PUNCTUATION].some((mark) => characters.startsWith(mark));

/**
 * What search looks through: the folded texts, one a line, so that a term without blanks never matches across two of
 * them; then every word (a run of letters and digits), its beginning marked; then the marks of @ and of punctuation.
 */
export const searchText = (customer: Searchable): string => {
  const texts = [customer.email, customer.first_name, customer.last_name, customer.phone].flatMap((text) =>
    text === null ? [] : [fold(text)],
  );
  const whole = texts.join('\n');
  const words = Array.from(whole.matchAll(/([^\p{L}\p{N}\p{M}]?)([\p{L}\p{N}\p{M}]+)/gu), ([, before = '', word]) => [
    `${BEGIN.join('')}${word}`,
    ...(PUNCTUATION.test(before) ? [`${AFTER_PUNCTUATION}${word}`] : []),
  ]).flat();
  const marks = texts.flatMap((text) => [...atMarks(text), ...punctuationMarks(text)]);
  return `${whole}\n ${[...new Set([...words, ...marks])].join(' ')}`;
};
