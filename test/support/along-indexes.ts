import type { Knex } from 'knex';
import { ALONG_INDEXES } from '../../src/reads/customer-query/page';

/** Lets a transaction plan as those in which pages are read. */
export const planAlongIndexes = async (trx: Knex.Transaction): Promise<void> => {
  const settings = Object.entries(ALONG_INDEXES).map(([name, value]) => `set local ${name} = '${value}'`);
  await trx.raw(settings.join('; '));
};
