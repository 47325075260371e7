import type { Knex } from 'knex';
import * as customers from './0001-customers';
import * as searchTexts from './0002-search-texts';
import * as searchIndexes from './0003-search-indexes';
import * as searchByPeriod from './0005-search-by-period';

type Migration = {
  /** Never changes once it has landed. */
  readonly name: string;
  readonly up: string;
  /** What SQL alone cannot do, after `up` in the same transaction. */
  readonly afterwards?: (trx: Knex.Transaction) => Promise<void>;
};

/** Every migration in order. */
export const migrations: readonly Migration[] = [
  { name: '0001-customers', up: customers.up },
  { name: '0002-search-texts', up: searchTexts.up, afterwards: searchTexts.afterwards },
  { name: '0003-search-indexes', up: searchIndexes.up },
  // What search_text holds has changed.
  { name: '0004-search-texts', up: searchTexts.up, afterwards: searchTexts.afterwards },
  { name: '0005-search-by-period', up: searchByPeriod.up },
];
