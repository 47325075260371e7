import { isDeepStrictEqual } from 'node:util';
import type { AddressRow } from '../models/address';
import type { CustomerRow } from '../models/customer';

/** A customer with the relations that are changed together with it. */
export type CustomerState = {
  readonly customer: CustomerRow;
  readonly addresses: readonly AddressRow[];
  readonly group_ids: readonly string[];
};

/** The fields of Customer that an event names when they change; never revision, updated_at or anything of a password. */
const NAMED = [
  'email',
  'first_name',
  'last_name',
  'phone',
  'has_account',
  'external_id',
  'billing_address_id',
  'shipping_address_id',
  'metadata',
] as const satisfies readonly (keyof CustomerRow)[];

export type NamedField = (typeof NAMED)[number];

/** What is different between two states of one customer, in the words of an event. */
export type Difference = {
  readonly fields: readonly NamedField[];
  /** Added or altered, as they are now. */
  readonly addresses: readonly AddressRow[];
  /** Altered or removed, as they were. */
  readonly previous_addresses: readonly AddressRow[];
  readonly removed_address_ids: readonly string[];
  readonly added_group_ids: readonly string[];
  readonly removed_group_ids: readonly string[];
};

/** Compares by value; metadata whatever the order of its keys. */
export const compare = (before: CustomerState, after: CustomerState): Difference => {
  const was = new Map(before.addresses.map((address) => [address.id, address]));
  const is = new Map(after.addresses.map((address) => [address.id, address]));
  const addresses = after.addresses.filter((address) => was.get(address.id) !== address);
  const altered = addresses.flatMap((address) => was.get(address.id) ?? []);
  const removed = before.addresses.filter((address) => !is.has(address.id));
  return {
    fields: NAMED.filter((field) => !isDeepStrictEqual(before.customer[field], after.customer[field])),
    addresses,
    previous_addresses: [...altered, ...removed],
    removed_address_ids: removed.map((address) => address.id),
    added_group_ids: after.group_ids.filter((id) => !before.group_ids.includes(id)),
    removed_group_ids: before.group_ids.filter((id) => !after.group_ids.includes(id)),
  };
};

/** The names for `changed_fields`: Customer fields, then `addresses` and `groups` for the relations. */
export const changedFields = (difference: Difference): string[] => [
  ...difference.fields,
  ...(difference.addresses.length + difference.removed_address_ids.length > 0 ? ['addresses'] : []),
  ...(difference.added_group_ids.length + difference.removed_group_ids.length > 0 ? ['groups'] : []),
];
