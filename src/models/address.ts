import { createHash } from 'node:crypto';
import { Model } from 'objection';
import type { Address } from '../gen/customer/v1/customer';
import type { Metadata } from './customer';
import { toTimestamp } from './timestamp';

/** A row of `addresses`; it belongs to one customer, for ever. */
export type AddressRow = {
  readonly id: string;
  readonly customer_id: string;
  readonly company: string | null;
  readonly first_name: string;
  readonly last_name: string;
  readonly address_1: string;
  readonly address_2: string | null;
  readonly city: string;
  readonly country_code: string;
  readonly province: string | null;
  readonly postal_code: string | null;
  readonly phone: string | null;
  readonly metadata: Metadata;
  readonly created_at: Date;
  readonly updated_at: Date;
};

/** The columns of an AddressRow. */
export const ADDRESS_COLUMNS = [
  'id',
  'customer_id',
  'company',
  'first_name',
  'last_name',
  'address_1',
  'address_2',
  'city',
  'country_code',
  'province',
  'postal_code',
  'phone',
  'metadata',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof AddressRow)[];

/** Table `addresses`. Read through it; only the change engine writes. */
export class AddressModel extends Model {
  static override readonly tableName = 'addresses';
}

/**
 * What makes two addresses of a customer the same: company and metadata do not count, absent is empty (behaviour of
 * the seed's addAddress, with absent mended). JSON keeps the parts apart.
 */
export const fingerprint = (address: Omit<AddressRow, 'id' | 'customer_id' | 'created_at' | 'updated_at'>): string =>
  JSON.stringify([
    address.first_name,
    address.last_name,
    address.address_1,
    address.address_2 ?? '',
    address.city,
    address.province ?? '',
    address.postal_code ?? '',
    address.phone ?? '',
    address.country_code,
  ]);

/** A fingerprint for an index: of fixed length, because an entry of a B-tree must not be longer than 2,704 bytes. */
export const fingerprintKey = (address: AddressRow): string =>
  createHash('sha256').update(fingerprint(address)).digest('base64');

/** The message of a row; absent where the row has null. */
export const toAddress = (row: AddressRow): Address => ({
  id: row.id,
  customer_id: row.customer_id,
  company: row.company ?? undefined,
  first_name: row.first_name,
  last_name: row.last_name,
  address_1: row.address_1,
  address_2: row.address_2 ?? undefined,
  city: row.city,
  country_code: row.country_code,
  province: row.province ?? undefined,
  postal_code: row.postal_code ?? undefined,
  phone: row.phone ?? undefined,
  metadata: row.metadata,
  created_at: toTimestamp(row.created_at),
  updated_at: toTimestamp(row.updated_at),
});
