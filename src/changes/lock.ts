import type { Knex } from 'knex';
import { statement } from '../db/statement';
import type { CustomerState } from '../events/changed-fields';
import { ADDRESS_COLUMNS, AddressModel, type AddressRow } from '../models/address';
import { CUSTOMER_COLUMNS, CustomerModel, type CustomerRow } from '../models/customer';
import { CustomerGroupModel, GROUP_COLUMNS, type GroupRow } from '../models/customer-group';
import { holderKey, newBatchState, replyKey, type BatchState, type StoredReply } from './state';
import type { Work } from './work';

/** What the engine needs to know of a work to lock for it. */
export type Lockable = Pick<Work<never>, 'call' | 'identity' | 'customers' | 'claims' | 'needs' | 'groups'>;

/** Locked and read: `blocked` names rows that exist but are held by somebody else; nothing of them is in `state`. */
export type Locked = { readonly state: BatchState; readonly blocked: ReadonlySet<string> };

const named = (name: string) => (builder: Knex.QueryBuilder) => void builder.options({ name });

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

/**
 * Locks the rows of a batch, customers by id and then groups by id, so that two processes cannot cross, and reads what
 * the decisions will look at. Rows that somebody else holds are skipped; with `wait` they are waited for until the
 * lock_timeout. Relations and look-ups are read after the lock, never joined to it: its snapshot is older than the lock.
 */
export const lockAndRead = async (
  trx: Knex.Transaction,
  works: readonly Lockable[],
  wait: boolean,
): Promise<Locked> => {
  const state = newBatchState();
  const customerIds = unique(works.flatMap((work) => work.customers)).sort();
  const customers = await lockCustomers(trx, customerIds, wait);
  for (const customer of customers) state.customers.set(customer.id, { customer, addresses: [], group_ids: [] });
  const blocked = new Set([
    ...(await heldRows(trx, 'customers', customerIds, state.customers)),
    ...(await lockGroups(trx, works, state.groups, wait)),
  ]);
  await Promise.all([
    readRelations(trx, works, state.customers),
    readReplies(trx, works, state.replies),
    readHolders(trx, works, state),
  ]);
  return { state, blocked };
};

const lockCustomers = async (trx: Knex.Transaction, ids: readonly string[], wait: boolean): Promise<CustomerRow[]> => {
  if (ids.length === 0) return [];
  const query = CustomerModel.query(trx)
    .select(...CUSTOMER_COLUMNS)
    .whereRaw('id = any(?)', [ids])
    .orderBy('id')
    .forNoKeyUpdate()
    .onBuildKnex(named(wait ? 'await_customers' : 'lock_customers'));
  return (wait ? query : query.skipLocked()).castTo<CustomerRow[]>();
};

/** Those of `ids` that were not obtained although they exist. */
const heldRows = async (
  trx: Knex.Transaction,
  table: 'customers' | 'customer_groups',
  ids: readonly string[],
  obtained: ReadonlyMap<string, unknown>,
): Promise<string[]> => {
  const missing = ids.filter((id) => !obtained.has(id));
  if (missing.length === 0) return [];
  const { rows } = await statement<{ id: string }>(trx, `held_${table}`, `select id from ${table} where id = any(?)`, [
    missing,
  ]);
  return rows.map(({ id }) => id);
};

const lockGroups = async (
  trx: Knex.Transaction,
  works: readonly Lockable[],
  groups: BatchState['groups'],
  wait: boolean,
): Promise<string[]> => {
  const named = works.flatMap((work) => (work.groups === undefined ? [] : [work.groups]));
  if (named.length === 0) return [];
  const changed = new Set(named.flatMap(({ ids, mode }) => (mode === 'update' ? ids : [])));
  const ids = unique(named.flatMap((group) => group.ids)).sort();
  for (const mode of ['share', 'update'] as const) {
    const wanted = ids.filter((id) => changed.has(id) === (mode === 'update'));
    if (wanted.length === 0) continue;
    const query = CustomerGroupModel.query(trx)
      .select(...GROUP_COLUMNS)
      .whereRaw('id = any(?)', [wanted])
      .orderBy('id');
    const locking = mode === 'update' ? query.forUpdate() : query.forKeyShare();
    const rows = await (wait ? locking : locking.skipLocked()).castTo<GroupRow[]>();
    for (const group of rows) groups.set(group.id, group);
  }
  return heldRows(trx, 'customer_groups', ids, groups);
};

const readRelations = async (
  trx: Knex.Transaction,
  works: readonly Lockable[],
  customers: Map<string, CustomerState>,
): Promise<void> => {
  const needing = (relation: 'addresses' | 'groups') =>
    unique(works.flatMap((work) => (work.needs?.[relation] === true ? work.customers : []))).filter((id) =>
      customers.has(id),
    );
  const put = <Row extends { readonly customer_id: string }>(
    ids: readonly string[],
    rows: readonly Row[],
    relation: (own: readonly Row[]) => Partial<CustomerState>,
  ): void => {
    for (const id of ids) {
      const state = customers.get(id);
      const own = rows.filter((row) => row.customer_id === id);
      if (state !== undefined) customers.set(id, { ...state, ...relation(own) });
    }
  };
  const withAddresses = needing('addresses');
  const withGroups = needing('groups');
  const [addresses, members] = await Promise.all([
    withAddresses.length === 0
      ? []
      : AddressModel.query(trx)
          .select(...ADDRESS_COLUMNS)
          .whereRaw('customer_id = any(?)', [withAddresses])
          .orderBy(['created_at', 'id'])
          .onBuildKnex(named('read_addresses'))
          .castTo<AddressRow[]>(),
    withGroups.length === 0
      ? []
      : statement<{ group_id: string; customer_id: string }>(
          trx,
          'read_members',
          `select member.group_id, member.customer_id
               from customer_group_members member join customer_groups on customer_groups.id = member.group_id
              where member.customer_id = any(?) order by member.group_id`,
          [withGroups],
        ).then(({ rows }) => rows),
  ]);
  put<AddressRow>(withAddresses, addresses, (own) => ({ addresses: own }));
  put<{ group_id: string; customer_id: string }>(withGroups, members, (own) => ({
    group_ids: own.map(({ group_id }) => group_id),
  }));
};

const readReplies = async (
  trx: Knex.Transaction,
  works: readonly Lockable[],
  replies: BatchState['replies'],
): Promise<void> => {
  const asked = works.filter((work) => work.identity.request.request_id !== '');
  if (asked.length === 0) return;
  for (const row of await storedReplies(trx, asked)) replies.set(replyKey(row.caller, row.request_id), row);
};

/** The answers that were given to these request_ids, in no order. */
export const storedReplies = async (
  knex: Knex,
  works: readonly Pick<Lockable, 'call' | 'identity'>[],
): Promise<StoredReply[]> => {
  const { rows } = await statement<StoredReply>(
    knex,
    'read_replies',
    `select caller, request_id, request_hash, customer_ids, response from idempotency_keys
        where (caller, request_id) in (select * from unnest(?::text[], ?::text[]))`,
    [works.map((work) => work.call.caller), works.map((work) => work.identity.request.request_id)],
  );
  return rows;
};

/** Looks up who holds what the works claim; those alive hold e-mails and external_ids, an id is held for ever. */
export const readHolders = async (
  trx: Knex.Transaction,
  works: readonly Pick<Lockable, 'claims' | 'customers'>[],
  state: Pick<BatchState, 'customers' | 'holders'>,
): Promise<void> => {
  const claims = works.flatMap(({ claims: own }) => (own === undefined ? [] : [own]));
  if (claims.length === 0) return;
  const own = works.flatMap((work) =>
    work.claims?.own === true ? work.customers.flatMap((id) => state.customers.get(id)?.customer ?? []) : [],
  );
  const ids = unique(claims.flatMap((claim) => claim.ids ?? []));
  const emails = unique([...claims.flatMap((claim) => claim.emails ?? []), ...own.flatMap((row) => row.email ?? [])]);
  const externalIds = unique([
    ...claims.flatMap((claim) => claim.external_ids ?? []),
    ...own.flatMap((row) => row.external_id ?? []),
  ]);
  const names = unique(claims.flatMap((claim) => claim.group_names ?? []));
  type Holder = { id: string; email: string | null; has_account: boolean; external_id: string | null };
  const live = async (column: 'email' | 'external_id', values: readonly string[]): Promise<Holder[]> =>
    values.length === 0
      ? []
      : statement<Holder>(
          trx,
          `holders_of_${column}`,
          `select id, email, has_account, external_id from customers where ${column} = any(?) and deleted_at is null`,
          [values],
        ).then(({ rows }) => rows);
  const [byId, byEmail, byExternalId, groups] = await Promise.all([
    heldRows(trx, 'customers', ids, new Map()),
    live('email', emails),
    live('external_id', externalIds),
    names.length === 0
      ? []
      : CustomerGroupModel.query(trx)
          .select('id', 'name')
          .whereIn('name', names)
          .castTo<{ id: string; name: string }[]>(),
  ]);
  const { holders } = state;
  for (const id of byId) holders.set(holderKey.id(id), id);
  for (const row of byEmail) if (row.email !== null) holders.set(holderKey.email(row.email, row.has_account), row.id);
  for (const row of byExternalId) {
    if (row.external_id !== null) holders.set(holderKey.externalId(row.external_id), row.id);
  }
  for (const group of groups) holders.set(holderKey.groupName(group.name), group.id);
};
