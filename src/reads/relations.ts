import type { Knex } from 'knex';
import { groupedBy } from '../db/grouped-by';
import { statement } from '../db/statement';
import type { Customer } from '../gen/customer/v1/customer';
import { ADDRESS_COLUMNS, toAddress, type AddressRow } from '../models/address';
import type { CustomerRow } from '../models/customer';
import { GROUP_COLUMNS, toCustomerGroup, type GroupRow } from '../models/customer-group';
import type { Relation } from '../validation/read-mask';
import { createAddressesOf } from './addresses';
import { perTurn } from './per-turn';

/** What a relation is found by. */
export type Owner = Pick<CustomerRow, 'id' | 'billing_address_id' | 'shipping_address_id' | 'deleted_at'>;

type Relations = Pick<Customer, Relation>;

/** The relations of one customer that are asked for; the others, and all of a deleted one, are absent or empty. */
export type ReadRelations = (owner: Owner, wanted: ReadonlySet<Relation>) => Promise<Relations>;

const NONE: Relations = { addresses: [], groups: [], billing_address: undefined, shipping_address: undefined };

const ADDRESS = ADDRESS_COLUMNS.join(', ');
const GROUP = GROUP_COLUMNS.map((column) => `customer_groups.${column}`).join(', ');

/**
 * Reads relations in one query each for all customers of one turn of the event loop, on the connection it was made for:
 * the pool's for single gets, that of a snapshot for its page.
 */
export const createRelations = (knex: Knex): ReadRelations => {
  const addressesOf = createAddressesOf(knex);
  const address = perTurn<string, AddressRow | undefined>(async (ids) => {
    const sql = `select ${ADDRESS} from addresses where id = any(?)`;
    const { rows } = await statement<AddressRow>(knex, 'addresses_by_id', sql, [ids]);
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id));
  });
  const groupsOf = perTurn<string, GroupRow[]>(async (ids) => {
    const { rows } = await statement<GroupRow & { readonly customer_id: string }>(
      knex,
      'groups_of_customers',
      `select member.customer_id, ${GROUP}
         from customer_group_members member join customer_groups on customer_groups.id = member.group_id
        where member.customer_id = any(?) order by customer_groups.name`,
      [ids],
    );
    return ids.map(groupedBy(rows, (row) => row.customer_id));
  });
  const pointedTo = async (id: string | null) => {
    const row = id === null ? undefined : await address(id);
    return row === undefined ? undefined : toAddress(row);
  };

  return async (owner, wanted) => {
    if (wanted.size === 0 || owner.deleted_at !== null) return NONE;
    const [addresses, groups, billing_address, shipping_address] = await Promise.all([
      wanted.has('addresses') ? addressesOf(owner.id) : [],
      wanted.has('groups') ? groupsOf(owner.id) : [],
      wanted.has('billing_address') ? pointedTo(owner.billing_address_id) : undefined,
      wanted.has('shipping_address') ? pointedTo(owner.shipping_address_id) : undefined,
    ]);
    return {
      addresses: addresses?.map(toAddress) ?? [],
      groups: groups.map(toCustomerGroup),
      billing_address,
      shipping_address,
    };
  };
};
