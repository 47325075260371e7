import type { CustomerState } from '../events/changed-fields';
import type { CustomerRow } from '../models/customer';
import type { NewCustomer } from '../validation/new-customer';
import { newAddress } from './addresses';
import type { Claims } from './work';

const nullIfEmpty = (value: string): string | null => (value === '' ? null : value);

/**
 * A customer that is to be created now, registered when there is a password. `created_at` is when it came to be
 * elsewhere; everything else of it happens now.
 */
export const newCustomer = (
  id: string,
  given: NewCustomer,
  password_hash: string | null,
  now: Date,
  { created_at = now, group_ids = [] }: { readonly created_at?: Date; readonly group_ids?: readonly string[] } = {},
): CustomerState => ({
  customer: newRow(id, given, password_hash, created_at, now),
  addresses: given.addresses.map((content) => newAddress(id, content, now)),
  group_ids,
});

const newRow = (
  id: string,
  given: NewCustomer,
  password_hash: string | null,
  created_at: Date,
  now: Date,
): CustomerRow => ({
  id,
  email: given.email,
  first_name: nullIfEmpty(given.first_name),
  last_name: nullIfEmpty(given.last_name),
  phone: nullIfEmpty(given.phone),
  has_account: password_hash !== null,
  password_hash,
  password_revision: null,
  external_id: nullIfEmpty(given.external_id),
  billing_address_id: null,
  shipping_address_id: null,
  metadata: given.metadata,
  revision: 0,
  created_at,
  updated_at: now,
  deleted_at: null,
  erased_at: null,
  occurred_at: now,
});

/** What only one customer can have. */
export const claimsOf = ({ id, email, external_id }: NewCustomer): Claims => ({
  ids: id === '' ? [] : [id],
  emails: [email],
  external_ids: external_id === '' ? [] : [external_id],
});
