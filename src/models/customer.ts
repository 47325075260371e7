import { Model } from 'objection';
import type { Customer } from '../gen/customer/v1/customer';
import { toTimestamp } from './timestamp';

export type Metadata = Readonly<Record<string, unknown>>;

/** A row of `customers`: what the message has, and what never leaves the service. */
export type CustomerRow = {
  readonly id: string;
  /** Folded; null only once erased. */
  readonly email: string | null;
  readonly first_name: string | null;
  readonly last_name: string | null;
  readonly phone: string | null;
  readonly has_account: boolean;
  readonly password_hash: string | null;
  /** Revision of the change that last set the password; a rehash leaves it alone. */
  readonly password_revision: number | null;
  readonly external_id: string | null;
  readonly billing_address_id: string | null;
  readonly shipping_address_id: string | null;
  readonly metadata: Metadata;
  readonly revision: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly deleted_at: Date | null;
  readonly erased_at: Date | null;
  /** When the last event was; later than updated_at after an event that alters no field. */
  readonly occurred_at: Date;
};

/** The columns of a CustomerRow; the folded ones beside them are for the indexes alone. */
export const CUSTOMER_COLUMNS = [
  'id',
  'email',
  'first_name',
  'last_name',
  'phone',
  'has_account',
  'password_hash',
  'password_revision',
  'external_id',
  'billing_address_id',
  'shipping_address_id',
  'metadata',
  'revision',
  'created_at',
  'updated_at',
  'deleted_at',
  'erased_at',
  'occurred_at',
] as const satisfies readonly (keyof CustomerRow)[];

/** The columns that a message is made of; never a password. */
export const PUBLIC_COLUMNS = [
  'id',
  'email',
  'first_name',
  'last_name',
  'phone',
  'has_account',
  'external_id',
  'billing_address_id',
  'shipping_address_id',
  'metadata',
  'revision',
  'created_at',
  'updated_at',
  'deleted_at',
] as const satisfies readonly (keyof Customer)[];

/** Stands for the columns that were not read, in a row that is answered without them. */
export const UNREAD: CustomerRow = {
  id: '',
  email: '',
  first_name: null,
  last_name: null,
  phone: null,
  has_account: false,
  password_hash: null,
  password_revision: null,
  external_id: null,
  billing_address_id: null,
  shipping_address_id: null,
  metadata: {},
  revision: 0,
  created_at: new Date(0),
  updated_at: new Date(0),
  deleted_at: null,
  erased_at: null,
  occurred_at: new Date(0),
};

/** Table `customers`. Read through it; only the change engine writes. */
export class CustomerModel extends Model {
  static override readonly tableName = 'customers';
}

/** The message of a row: without relations and secrets; absent where the row has null. */
export const toCustomer = (row: CustomerRow): Customer => ({
  id: row.id,
  email: row.email ?? '',
  first_name: row.first_name ?? undefined,
  last_name: row.last_name ?? undefined,
  phone: row.phone ?? undefined,
  has_account: row.has_account,
  external_id: row.external_id ?? undefined,
  billing_address_id: row.billing_address_id ?? undefined,
  shipping_address_id: row.shipping_address_id ?? undefined,
  metadata: row.metadata,
  revision: row.revision,
  created_at: toTimestamp(row.created_at),
  updated_at: toTimestamp(row.updated_at),
  deleted_at: row.deleted_at === null ? undefined : toTimestamp(row.deleted_at),
  addresses: [],
  billing_address: undefined,
  shipping_address: undefined,
  groups: [],
});
