import { z } from 'zod';
import { fold } from '../models/fold';
import { idPattern } from '../models/ids';

/** What `q` asks for. */
export type Search = {
  /** The id that is the whole text. */
  readonly id?: string;
  /** Folded; every one must occur. */
  readonly terms: readonly string[];
};

const LIMITS = { characters: 200, terms: 10 } as const;

const ID = idPattern('cus');

/** Terms, split at white space; empty text is no condition: no terms and no id. */
export const searchTerms = () =>
  z.string().transform((raw, ctx): Search => {
    const text = raw.normalize('NFC').trim();
    if (ID.test(text)) return { id: text, terms: [] };
    const terms = fold(text)
      .split(/\s+/u)
      .filter((term) => term !== '');
    const faults = [
      text.includes('\0') && 'must not contain U+0000',
      text.length > LIMITS.characters &&
        Array.from(text).length > LIMITS.characters &&
        `must have at most ${LIMITS.characters} characters`,
      terms.length > LIMITS.terms && `must have at most ${LIMITS.terms} terms`,
    ];
    const fault = faults.find((one) => one !== false);
    if (fault !== undefined) ctx.addIssue({ code: 'custom', message: fault });
    return { terms: [...new Set(terms)] };
  });
