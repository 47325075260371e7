import { prepare, type Statement } from '../db/pipeline';
import type { OutboxRow } from '../events/record';
import { fingerprintKey, type AddressRow } from '../models/address';
import type { CustomerRow } from '../models/customer';
import type { GroupRow } from '../models/customer-group';
import { fold, phoneKey, searchText } from '../models/fold';
import type { StoredReply } from './state';

/** How one column gets its values: the parameter of all of them, as PostgreSQL takes it apart, and the value of a row. */
type Column<Row> = { readonly parameter: string; readonly of: (row: Row) => unknown; readonly isJson?: boolean };
type Columns<Row> = Readonly<Record<string, Column<Row>>>;

/** `rows from (unnest(?::text[]), …)`: one parameter a column, so the text of a statement never depends on how many rows. */
const given = <Row>(columns: Columns<Row>): string =>
  `rows from (${Object.values(columns)
    .map(({ parameter }) => parameter)
    .join(', ')})`;

const valuesOf = <Row>(columns: Columns<Row>, rows: readonly Row[]): unknown[] =>
  Object.values(columns).map(({ of, isJson }) => (isJson === true ? `[${rows.map(of).join(',')}]` : rows.map(of)));

/** A table whose rows come and go. */
export type Insertable<Row> = {
  /** Of many rows, in the order given. Fails with 23505 when one was not new. */
  readonly insert: Statement;
  readonly valuesOf: (rows: readonly Row[]) => unknown[];
};

/** A table whose rows change: `update` is by id, of many at once, with the same values. */
export type Updatable<Row> = Insertable<Row> & { readonly update: Statement };

const insertable = <Row>(name: string, columns: Columns<Row>): Insertable<Row> => ({
  insert: prepare(
    `insert_${name}`,
    `insert into ${name} (${Object.keys(columns).join(', ')}) select * from ${given(columns)} as new`,
  ),
  valuesOf: (rows) => valuesOf(columns, rows),
});

const updatable = <Row>(name: string, columns: Columns<Row>): Updatable<Row> => {
  const names = Object.keys(columns);
  const changes = names.filter((column) => column !== 'id').map((column) => `${column} = new.${column}`);
  return {
    ...insertable(name, columns),
    update: prepare(
      `update_${name}`,
      `update ${name} set ${changes.join(', ')} from ${given(columns)} as new (${names.join(', ')})
        where ${name}.id = new.id`,
    ),
  };
};

type ColumnOf = <Row>(of: (row: Row) => unknown) => Column<Row>;
const array =
  (type: string): ColumnOf =>
  (of) => ({ parameter: `unnest(?::${type}[])`, of });
const [text, integer, bool] = [array('text'), array('integer'), array('boolean')];
const [time, bytes] = [array('timestamptz'), array('bytea')];
const jsonb: ColumnOf = (of) => array('jsonb')((row) => JSON.stringify(of(row)));
/**
 * Texts of JSON, all in one, because in an array each of their quotes would be escaped. For inserts alone: PostgreSQL
 * takes them for a hundred, too many for a join along an index.
 */
const jsonTexts: ColumnOf = (of) => ({ parameter: 'json_array_elements(?::json)', of, isJson: true });

export const CUSTOMERS = updatable<CustomerRow>('customers', {
  id: text((row) => row.id),
  email: text((row) => row.email),
  first_name: text((row) => row.first_name),
  last_name: text((row) => row.last_name),
  phone: text((row) => row.phone),
  phone_key: text((row) => row.phone && phoneKey(row.phone)),
  has_account: bool((row) => row.has_account),
  password_hash: text((row) => row.password_hash),
  password_revision: integer((row) => row.password_revision),
  external_id: text((row) => row.external_id),
  billing_address_id: text((row) => row.billing_address_id),
  shipping_address_id: text((row) => row.shipping_address_id),
  metadata: jsonb((row) => row.metadata),
  first_name_folded: text((row) => fold(row.first_name ?? '')),
  last_name_folded: text((row) => fold(row.last_name ?? '')),
  phone_folded: text((row) => fold(row.phone ?? '')),
  search_text: text(searchText),
  revision: integer((row) => row.revision),
  created_at: time((row) => row.created_at),
  updated_at: time((row) => row.updated_at),
  deleted_at: time((row) => row.deleted_at),
  erased_at: time((row) => row.erased_at),
  occurred_at: time((row) => row.occurred_at),
});

export const ADDRESSES = updatable<AddressRow>('addresses', {
  id: text((row) => row.id),
  customer_id: text((row) => row.customer_id),
  company: text((row) => row.company),
  first_name: text((row) => row.first_name),
  last_name: text((row) => row.last_name),
  address_1: text((row) => row.address_1),
  address_2: text((row) => row.address_2),
  city: text((row) => row.city),
  country_code: text((row) => row.country_code),
  province: text((row) => row.province),
  postal_code: text((row) => row.postal_code),
  phone: text((row) => row.phone),
  metadata: jsonb((row) => row.metadata),
  fingerprint: text(fingerprintKey),
  created_at: time((row) => row.created_at),
  updated_at: time((row) => row.updated_at),
});

export const GROUPS = updatable<GroupRow>('customer_groups', {
  id: text((row) => row.id),
  name: text((row) => row.name),
  name_folded: text((row) => fold(row.name)),
  metadata: jsonb((row) => row.metadata),
  revision: integer((row) => row.revision),
  created_at: time((row) => row.created_at),
  updated_at: time((row) => row.updated_at),
});

/** Deleted groups whose memberships are still to be removed, see `removeMemberships`. */
export const REMOVED_GROUPS = insertable<string>('removed_groups', { id: text((id) => id) });

/** `created_at` is the customer's: groups are listed in its order. */
export type Member = { readonly group_id: string; readonly customer_id: string; readonly created_at: Date };

export const MEMBERS = insertable<Member>('customer_group_members', {
  group_id: text((row) => row.group_id),
  customer_id: text((row) => row.customer_id),
  created_at: time((row) => row.created_at),
});

export const DELETE_MEMBERS = prepare(
  'delete_customer_group_members',
  `delete from customer_group_members where (group_id, customer_id) in (select * from unnest(?::text[], ?::text[]))`,
);

/** By id. */
export const DELETE = {
  addresses: prepare('delete_addresses', 'delete from addresses where id = any(?)'),
  groups: prepare('delete_customer_groups', 'delete from customer_groups where id = any(?)'),
} as const;

/** No fingerprint is an id. */
export const FREE_FINGERPRINTS = prepare(
  'free_fingerprints',
  'update addresses set fingerprint = id where id = any(?)',
);

const REPLY: Columns<StoredReply> = {
  caller: text((row) => row.caller),
  request_id: text((row) => row.request_id),
  request_hash: bytes((row) => row.request_hash),
  customer_ids: text((row) => row.customer_ids.join(',')),
  response: bytes((row) => row.response),
};

const EVENT: Columns<OutboxRow> = {
  aggregate_type: text((row) => row.aggregate_type),
  aggregate_id: text((row) => row.aggregate_id),
  revision: integer((row) => row.revision),
  type: text((row) => row.type),
  occurred_at: time((row) => row.occurred_at),
  actor: text((row) => row.actor),
  request_id: text((row) => row.request_id),
  traceparent: text((row) => row.traceparent),
  data: jsonTexts((row) => row.data),
};

const EVENT_COLUMNS = Object.keys(EVENT).join(', ');

/** Answers, by plain insert (a repeat that runs elsewhere at this moment fails it with 23505), and events in their order. */
export const RECORD = prepare(
  'record',
  `with kept as (
     insert into idempotency_keys (caller, request_id, request_hash, customer_ids, response)
     select caller, request_id, request_hash, string_to_array(customer_ids, ','), response
       from ${given(REPLY)} as new (${Object.keys(REPLY).join(', ')}))
   insert into customer_outbox (${EVENT_COLUMNS})
   select ${EVENT_COLUMNS} from ${given(EVENT)} with ordinality as new (${EVENT_COLUMNS}, place) order by place`,
);

export const recordValues = (replies: readonly StoredReply[], events: readonly OutboxRow[]): unknown[] => [
  ...valuesOf(REPLY, replies),
  ...valuesOf(EVENT, events),
];
