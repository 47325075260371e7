import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { DomainError } from '../errors';
import { canonicalJson } from './canonical-json';

/** Where a page ended: the sort key and the id of its last row. */
export type Cursor = { readonly key: string; readonly id: string };

/** Opaque tokens that say where the next page begins, good only for the query they were made for. */
export type PageTokens = {
  /** `query` is everything that the token is bound to. */
  readonly make: (cursor: Cursor, query: unknown) => string;
  /** The cursor; undefined for an empty token. Throws PAGE_TOKEN_INVALID for one that was altered or is of another query. */
  readonly read: (token: string, query: unknown) => Cursor | undefined;
};

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

const keyOf = (secret: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', 'customer.v1 page token', 32));

const decrypt = (sealed: Buffer, key: Buffer, query: string): Cursor | undefined => {
  try {
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(query));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const text = Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
    return JSON.parse(text.toString()) as Cursor;
  } catch {
    return undefined;
  }
};

/** The first secret encrypts, all decrypt. */
export const createPageTokens = (secrets: readonly [string, ...string[]]): PageTokens => {
  const [first, ...others] = [keyOf(secrets[0]), ...secrets.slice(1).map(keyOf)] as [Buffer, ...Buffer[]];
  return {
    make: (cursor, query) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, first, iv, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(canonicalJson(query)));
      const text = Buffer.concat([cipher.update(JSON.stringify(cursor)), cipher.final()]);
      return Buffer.concat([iv, text, cipher.getAuthTag()]).toString('base64url');
    },
    read: (token, query) => {
      if (token === '') return undefined;
      const sealed = Buffer.from(token, 'base64url');
      const bound = canonicalJson(query);
      // Several spellings decode to the same bytes; only ours is taken.
      const isOurs = sealed.toString('base64url') === token && sealed.length > IV_BYTES + TAG_BYTES;
      for (const key of isOurs ? [first, ...others] : []) {
        const cursor = decrypt(sealed, key, bound);
        if (cursor !== undefined) return cursor;
      }
      throw new DomainError('PAGE_TOKEN_INVALID', 'The page_token was altered, or belongs to another query');
    },
  };
};
