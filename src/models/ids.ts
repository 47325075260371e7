import { ulid } from 'ulid';

const CROCKFORD = '[0-7][0-9A-HJKMNP-TV-Z]{25}';

/** What an id is the id of: its prefix. */
export type IdPrefix = 'cus' | 'addr' | 'cgrp';

/** A new id: ordered by time to the millisecond. */
export const newId = (prefix: IdPrefix): string => `${prefix}_${ulid()}`;

/** The one form an id may have: prefix and ULID, 26 upper-case Crockford characters. */
export const idPattern = (prefix: IdPrefix): RegExp => new RegExp(`^${prefix}_${CROCKFORD}$`);
