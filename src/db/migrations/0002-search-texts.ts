import type { Knex } from 'knex';
import { searchText, type Searchable } from '../../models/fold';

/** They are made again by the next migration: every text changes. */
export const up = `
drop index customers_search_idx, customers_metadata_idx, customers_deleted_search_idx, customers_deleted_metadata_idx;
`;

const ROWS = 1_000;

type Row = Searchable & { readonly id: string };

/** Writes search_text anew, as `searchText` has it now: with all marks that the index finds words and punctuation by. */
export const afterwards = async (trx: Knex.Transaction): Promise<void> => {
  for (let after = ''; ;) {
    const { rows } = await trx.raw<{ rows: Row[] }>(
      `select id, email, first_name, last_name, phone from customers where id > ? and erased_at is null order by id limit ${ROWS}`,
      [after],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    await trx.raw(
      `update customers set search_text = new.search_text
         from unnest(?::text[], ?::text[]) as new (id, search_text) where customers.id = new.id`,
      [rows.map(({ id }) => id), rows.map(searchText)],
    );
    after = last.id;
  }
};
