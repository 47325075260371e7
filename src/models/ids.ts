import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

const CROCKFORD = '[0-7][0-9A-HJKMNP-TV-Z]{25}';

/** What an id is the id of: its prefix. */
export type IdPrefix = 'cus' | 'addr' | 'cgrp' | 'rpl';

const pool = Buffer.alloc(4_096);
let used = pool.length;

/** A random fraction out of a pool: asking the system for each of an id's characters took a tenth of a create. */
const random = (): number => {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const byte = pool[used] ?? 0;
  used += 1;
  return byte / 256;
};

const ulid = monotonicFactory(random);

/** A new id: later than every one this process made before, so that what was made first also sorts first. */
export const newId = (prefix: IdPrefix): string => `${prefix}_${ulid()}`;

/** The one form an id may have: prefix and ULID, 26 upper-case Crockford characters. */
export const idPattern = (prefix: IdPrefix): RegExp => new RegExp(`^${prefix}_${CROCKFORD}$`);
