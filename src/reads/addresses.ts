import type { Knex } from 'knex';
import { statement } from '../db/statement';
import { ADDRESS_COLUMNS, type AddressRow } from '../models/address';
import { perTurn } from './per-turn';

/** The addresses of a customer, oldest first; undefined when nobody alive has this id. */
export type AddressesOf = (customer_id: string) => Promise<readonly AddressRow[] | undefined>;

/** Keys per statement: each can bring 100 rows. */
const MAX_BATCH = 100;

/** From the customers on, in one statement: whether one is alive and what it has is one answer. */
const ADDRESSES_OF = `
  select customers.id as owner, customers.deleted_at, ${ADDRESS_COLUMNS.map((column) => `addresses.${column}`).join(', ')}
    from customers left join addresses on addresses.customer_id = customers.id
   where customers.id = any(?)
   order by addresses.created_at, addresses.id`;

type Row = { readonly owner: string; readonly deleted_at: Date | null } & (AddressRow | { readonly id: null });

/** Reads that are asked for in one turn of the event loop are one query. */
export const createAddressesOf = (knex: Knex): AddressesOf =>
  perTurn(async (ids) => {
    const { rows } = await statement<Row>(knex, 'addresses_of_customers', ADDRESSES_OF, [ids]);
    const byOwner = new Map<string, AddressRow[]>();
    for (const { owner, deleted_at, ...address } of rows) {
      if (deleted_at !== null) continue;
      const addresses = byOwner.get(owner) ?? [];
      if (address.id !== null) addresses.push(address);
      byOwner.set(owner, addresses);
    }
    return ids.map((id) => byOwner.get(id));
  }, MAX_BATCH);
