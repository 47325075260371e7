import { isDeepStrictEqual } from 'node:util';
import { addressNotFound, DomainError } from '../errors';
import type { CustomerState } from '../events/changed-fields';
import { fingerprint, type AddressRow } from '../models/address';
import { newId } from '../models/ids';
import type { AddressContent } from '../validation/address';

/** What several calls do with a customer's addresses. Pure: a state in, a state out. */
const MAX_ADDRESSES = 100;

/** Where a billing or shipping address is to point. */
export type Target =
  | { readonly $case: 'address_id'; readonly value: string }
  | { readonly $case: 'address'; readonly value: AddressContent }
  | { readonly $case: 'clear'; readonly value: boolean };

export type Pointer = 'billing_address_id' | 'shipping_address_id';

const nullIfEmpty = (value: string): string | null => (value === '' ? null : value);

/** The row of an address as it was given, new. */
export const newAddress = (customer_id: string, content: AddressContent, now: Date): AddressRow => ({
  id: newId('addr'),
  customer_id,
  company: nullIfEmpty(content.company),
  first_name: content.first_name,
  last_name: content.last_name,
  address_1: content.address_1,
  address_2: nullIfEmpty(content.address_2),
  city: content.city,
  country_code: content.country_code,
  province: nullIfEmpty(content.province),
  postal_code: nullIfEmpty(content.postal_code),
  phone: nullIfEmpty(content.phone),
  metadata: content.metadata,
  created_at: now,
  updated_at: now,
});

/** The address among these that is the same as another one, if any. */
export const findSame = (addresses: readonly AddressRow[], address: AddressRow): AddressRow | undefined => {
  const wanted = fingerprint(address);
  return addresses.find((one) => one.id !== address.id && fingerprint(one) === wanted);
};

/** ADDRESS_NOT_FOUND for one that is not this customer's. */
export const addressOf = (state: CustomerState, id: string): AddressRow => {
  const address = state.addresses.find((one) => one.id === id);
  if (address !== undefined) return address;
  throw addressNotFound(id);
};

/** Throws TOO_MANY_ADDRESSES for the 101st. */
export const withAddress = (state: CustomerState, address: AddressRow): CustomerState => {
  if (state.addresses.length >= MAX_ADDRESSES) {
    throw new DomainError('TOO_MANY_ADDRESSES', `A customer has at most ${MAX_ADDRESSES} addresses`);
  }
  return { ...state, addresses: [...state.addresses, address] };
};

/** With one address replaced; the same state when nothing differs, so that it is no change. */
export const withReplaced = (state: CustomerState, address: AddressRow, now: Date): CustomerState => {
  const before = addressOf(state, address.id);
  if (isDeepStrictEqual({ ...before, updated_at: now }, { ...address, updated_at: now })) return state;
  const after = { ...address, updated_at: now > before.updated_at ? now : before.updated_at };
  return { ...state, addresses: state.addresses.map((one) => (one.id === address.id ? after : one)) };
};

/**
 * The seed's updateBillingAddress_, with its missing owner check mended: an id must be this customer's; content that
 * equals another address moves the pointer there, else replaces all fields of the current one, else is added.
 */
export const pointTo = (state: CustomerState, pointer: Pointer, target: Target, now: Date): CustomerState => {
  const to = (next: CustomerState, id: string | null): CustomerState => ({
    ...next,
    customer: { ...next.customer, [pointer]: id },
  });
  switch (target.$case) {
    case 'clear':
      return to(state, null);
    case 'address_id':
      return to(state, addressOf(state, target.value).id);
    case 'address': {
      const given = newAddress(state.customer.id, target.value, now);
      const current = state.addresses.find((one) => one.id === state.customer[pointer]);
      const content = current === undefined ? given : { ...given, id: current.id, created_at: current.created_at };
      const same = findSame(state.addresses, content);
      if (same !== undefined) return to(state, same.id);
      if (current !== undefined) return withReplaced(state, content, now);
      return to(withAddress(state, given), given.id);
    }
  }
};
