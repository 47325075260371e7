import type { Knex } from 'knex';
import { statement } from '../db/statement';
import type { CustomerState } from '../events/changed-fields';
import type { OutboxRow } from '../events/record';
import { fingerprintKey, type AddressRow } from '../models/address';
import type { CustomerRow } from '../models/customer';
import type { GroupRow } from '../models/customer-group';
import { fold, phoneKey, searchText } from '../models/fold';
import { replyKey, type BatchState, type StoredReply } from './state';

/** A row that was to be new is there already, made by somebody else since we looked. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

/** How one column gets its values: its type in PostgreSQL, and its value of a row. */
type Column<Row> = { readonly type: string; readonly of: (row: Row) => unknown };
type Columns<Row> = Readonly<Record<string, Column<Row>>>;

const text = <Row>(of: (row: Row) => unknown): Column<Row> => ({ type: 'text', of });
const integer = <Row>(of: (row: Row) => unknown): Column<Row> => ({ type: 'integer', of });
const bool = <Row>(of: (row: Row) => unknown): Column<Row> => ({ type: 'boolean', of });
const time = <Row>(of: (row: Row) => unknown): Column<Row> => ({ type: 'timestamptz', of });
const json = <Row>(of: (row: Row) => unknown): Column<Row> => ({ type: 'jsonb', of: (row) => JSON.stringify(of(row)) });

const CUSTOMER: Columns<CustomerRow> = {
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
  metadata: json((row) => row.metadata),
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
};

const ADDRESS: Columns<AddressRow> = {
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
  metadata: json((row) => row.metadata),
  fingerprint: text(fingerprintKey),
  created_at: time((row) => row.created_at),
  updated_at: time((row) => row.updated_at),
};

const GROUP: Columns<GroupRow> = {
  id: text((row) => row.id),
  name: text((row) => row.name),
  name_folded: text((row) => fold(row.name)),
  metadata: json((row) => row.metadata),
  revision: integer((row) => row.revision),
  created_at: time((row) => row.created_at),
  updated_at: time((row) => row.updated_at),
};

/** A deleted group whose memberships are still to be removed, see `removeMemberships`. */
const REMOVED_GROUP: Columns<string> = { id: text((id) => id) };

const OUTBOX: Columns<OutboxRow> = {
  aggregate_type: text((row) => row.aggregate_type),
  aggregate_id: text((row) => row.aggregate_id),
  revision: integer((row) => row.revision),
  type: text((row) => row.type),
  occurred_at: time((row) => row.occurred_at),
  actor: text((row) => row.actor),
  request_id: text((row) => row.request_id),
  traceparent: text((row) => row.traceparent),
  data: { type: 'json', of: (row) => row.data },
};

/** `created_at` is the customer's: groups are listed in its order. */
type Member = { readonly group_id: string; readonly customer_id: string; readonly created_at: Date };

const MEMBER_KEY: Columns<Member> = {
  group_id: text((row) => row.group_id),
  customer_id: text((row) => row.customer_id),
};

const MEMBER: Columns<Member> = { ...MEMBER_KEY, created_at: time((row) => row.created_at) };

/** `unnest(?::text[], …)` and its bindings: one array a column, so the text of a statement never depends on how many rows. */
const unnest = <Row>(columns: Columns<Row>, rows: readonly Row[]) => ({
  sql: `unnest(${Object.values(columns)
    .map(({ type }) => `?::${type}[]`)
    .join(', ')})`,
  bindings: Object.values(columns).map(({ of }) => rows.map(of)),
});

/** Inserts what nobody else has inserted meanwhile, in the order given. Throws Overtaken when one was not new. */
const insert = async <Row>(
  trx: Knex.Transaction,
  table: string,
  columns: Columns<Row>,
  rows: readonly Row[],
): Promise<void> => {
  if (rows.length === 0) return;
  const { sql, bindings } = unnest(columns, rows);
  const { rowCount } = await statement(
    trx,
    `insert_${table}`,
    `insert into ${table} (${Object.keys(columns).join(', ')}) select * from ${sql} on conflict do nothing`,
    bindings,
  );
  if (rowCount !== rows.length) throw new Overtaken(`a row of ${table} was there already`);
};

const update = async <Row>(
  trx: Knex.Transaction,
  table: string,
  columns: Columns<Row>,
  rows: readonly Row[],
): Promise<void> => {
  if (rows.length === 0) return;
  const { sql, bindings } = unnest(columns, rows);
  const names = Object.keys(columns);
  await statement(
    trx,
    `update_${table}`,
    `update ${table} set ${names
      .filter((name) => name !== 'id')
      .map((name) => `${name} = new.${name}`)
      .join(', ')} from ${sql} as new (${names.join(', ')}) where ${table}.id = new.id`,
    bindings,
  );
};

const remove = async (trx: Knex.Transaction, table: string, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return;
  await statement(trx, `delete_${table}`, `delete from ${table} where id = any(?)`, [ids]);
};

const byEmailAndId = (a: CustomerRow, b: CustomerRow): number =>
  `${a.email ?? ''}\n${a.id}` < `${b.email ?? ''}\n${b.id}` ? -1 : 1;

/** What is in the database, as read or last written. */
export type Written = {
  readonly customers: Map<string, CustomerState>;
  readonly groups: Map<string, GroupRow | undefined>;
};

/** Takes note of what is in the database now, for the next `write`. */
export const asWritten = (state: BatchState): Written => ({
  customers: new Map(state.customers),
  groups: new Map(state.groups),
});

/**
 * Writes what the decisions have changed, one statement a table: what frees a name before what takes one, new customers
 * by (email, id) so that two processes cannot cross.
 */
export const writeRows = async (trx: Knex.Transaction, state: BatchState, written: Written): Promise<void> => {
  const changed = [...state.customers].flatMap(([id, after]) => {
    const before = written.customers.get(id);
    return before === after ? [] : [{ before, after }];
  });
  const existing = changed.filter(({ before }) => before !== undefined);
  const fresh = changed.filter(({ before }) => before === undefined);
  await update(
    trx,
    'customers',
    CUSTOMER,
    existing.map(({ after }) => after.customer).sort((a, b) => (a.id < b.id ? -1 : 1)),
  );
  await insert(trx, 'customers', CUSTOMER, fresh.map(({ after }) => after.customer).sort(byEmailAndId));
  await writeAddresses(trx, changed);
  await writeGroups(trx, state, written);
  await writeMembers(trx, changed);
};

type Changed = readonly { readonly before: CustomerState | undefined; readonly after: CustomerState }[];

/**
 * A statement checks a unique index row by row: when one address becomes what another was, in one change, the other's
 * fingerprint has to be out of the way first. No fingerprint is an id.
 */
const freeFingerprints = async (
  trx: Knex.Transaction,
  was: ReadonlyMap<string, AddressRow>,
  altered: readonly AddressRow[],
): Promise<void> => {
  if (altered.length < 2) return;
  const keyOf = (row: AddressRow): string => `${row.customer_id} ${fingerprintKey(row)}`;
  const wanted = new Map(altered.map((row) => [keyOf(row), row.id]));
  const inTheWay = altered.flatMap(({ id }) => {
    const before = was.get(id);
    const next = before && wanted.get(keyOf(before));
    return next === undefined || next === id ? [] : [id];
  });
  if (inTheWay.length === 0) return;
  const free = 'update addresses set fingerprint = id where id = any(?)';
  await statement(trx, 'free_fingerprints', free, [inTheWay]);
};

const writeAddresses = async (trx: Knex.Transaction, changed: Changed): Promise<void> => {
  const was = new Map(changed.flatMap(({ before }) => before?.addresses ?? []).map((address) => [address.id, address]));
  const is = new Map(changed.flatMap(({ after }) => after.addresses).map((address) => [address.id, address]));
  await remove(
    trx,
    'addresses',
    [...was.keys()].filter((id) => !is.has(id)),
  );
  const altered = [...is.values()].filter(({ id }) => was.has(id) && was.get(id) !== is.get(id));
  await freeFingerprints(trx, was, altered);
  await update(trx, 'addresses', ADDRESS, altered);
  await insert(
    trx,
    'addresses',
    ADDRESS,
    [...is.values()].filter(({ id }) => !was.has(id)),
  );
};

const writeMembers = async (trx: Knex.Transaction, changed: Changed): Promise<void> => {
  const pairs = (of: CustomerState, without: CustomerState | undefined): Member[] =>
    of.group_ids.flatMap((group_id) =>
      without?.group_ids.includes(group_id) === true
        ? []
        : [{ group_id, customer_id: of.customer.id, created_at: of.customer.created_at }],
    );
  const left = changed.flatMap(({ before, after }) => (before === undefined ? [] : pairs(before, after)));
  if (left.length > 0) {
    const { sql, bindings } = unnest(MEMBER_KEY, left);
    await statement(
      trx,
      'delete_customer_group_members',
      `delete from customer_group_members where (group_id, customer_id) in (select * from ${sql})`,
      bindings,
    );
  }
  await insert(
    trx,
    'customer_group_members',
    MEMBER,
    changed.flatMap(({ before, after }) => pairs(after, before)),
  );
};

const writeGroups = async (trx: Knex.Transaction, state: BatchState, written: Written): Promise<void> => {
  const changed = [...state.groups].filter(([id, after]) => written.groups.get(id) !== after);
  const kept = changed.flatMap(([, after]) => after ?? []);
  const gone = changed.flatMap(([id, after]) => (after === undefined ? [id] : []));
  await remove(trx, 'customer_groups', gone);
  await insert(trx, 'removed_groups', REMOVED_GROUP, gone);
  await update(
    trx,
    'customer_groups',
    GROUP,
    kept.filter(({ id }) => written.groups.get(id) !== undefined),
  );
  await insert(
    trx,
    'customer_groups',
    GROUP,
    kept.filter(({ id }) => written.groups.get(id) === undefined),
  );
};

const REPLY: Columns<StoredReply> = {
  caller: text((row) => row.caller),
  request_id: text((row) => row.request_id),
  request_hash: { type: 'bytea', of: (row) => row.request_hash },
  customer_ids: text((row) => row.customer_ids.join(',')),
  response: { type: 'bytea', of: (row) => row.response },
};

/**
 * Answers to keep, by plain insert (a repeat that runs elsewhere at this moment makes it fail with 23505), and the
 * events, in the order they were decided: their ids follow the revisions. Last, when every row is locked.
 */
export const writeRecord = async (trx: Knex.Transaction, { outbox, newReplies }: BatchState): Promise<void> => {
  if (outbox.length + newReplies.length === 0) return;
  const replies = unnest(REPLY, [...newReplies].sort(byKey));
  const events = unnest(OUTBOX, outbox);
  const names = Object.keys(OUTBOX).join(', ');
  await statement(
    trx,
    'record',
    `with kept as (
       insert into idempotency_keys (caller, request_id, request_hash, customer_ids, response)
       select caller, request_id, request_hash, string_to_array(customer_ids, ','), response
         from ${replies.sql} as new (${Object.keys(REPLY).join(', ')}))
     insert into customer_outbox (${names})
     select ${names} from ${events.sql} with ordinality as new (${names}, place) order by place`,
    [...replies.bindings, ...events.bindings],
  );
};

const byKey = (a: StoredReply, b: StoredReply): number =>
  replyKey(a.caller, a.request_id) < replyKey(b.caller, b.request_id) ? -1 : 1;
