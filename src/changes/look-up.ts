import type { Knex } from 'knex';
import { statement } from '../db/statement';
import type { CustomerState } from '../events/changed-fields';
import { ADDRESS_COLUMNS, AddressModel, type AddressRow } from '../models/address';
import { CustomerGroupModel } from '../models/customer-group';
import { holderKey, replyKey, type BatchState, type StoredReply } from './state';
import type { Work } from './work';

type Asking = Pick<Work<never>, 'call' | 'identity' | 'customers' | 'claims' | 'needs'>;

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** Reads the relations that works ask for, of the customers that were locked. */
export const readRelations = async (
  trx: Knex.Transaction,
  works: readonly Asking[],
  customers: Map<string, CustomerState>,
): Promise<void> => {
  const needing = (relation: 'addresses' | 'groups') =>
    unique(works.flatMap((work) => (work.needs?.[relation] === true ? work.customers : []))).filter((id) =>
      customers.has(id),
    );
  const add = (id: string, change: (state: CustomerState) => CustomerState): void => {
    const state = customers.get(id);
    if (state !== undefined) customers.set(id, change(state));
  };
  const withAddresses = needing('addresses');
  if (withAddresses.length > 0) {
    const rows = await AddressModel.query(trx)
      .select(...ADDRESS_COLUMNS)
      .whereRaw('customer_id = any(?)', [withAddresses])
      .orderBy(['created_at', 'id'])
      .onBuildKnex((builder: Knex.QueryBuilder) => void builder.options({ name: 'read_addresses' }))
      .castTo<AddressRow[]>();
    for (const row of rows) add(row.customer_id, (state) => ({ ...state, addresses: [...state.addresses, row] }));
  }
  const withGroups = needing('groups');
  if (withGroups.length > 0) {
    const { rows } = await statement<{ group_id: string; customer_id: string }>(
      trx,
      'read_members',
      `select member.group_id, member.customer_id
         from customer_group_members member join customer_groups on customer_groups.id = member.group_id
        where member.customer_id = any(?) order by member.group_id`,
      [withGroups],
    );
    for (const { customer_id, group_id } of rows) {
      add(customer_id, (state) => ({ ...state, group_ids: [...state.group_ids, group_id] }));
    }
  }
};

/** Reads the answers that were given to the request_ids of works. */
export const readReplies = async (
  knex: Knex,
  works: readonly Pick<Asking, 'call' | 'identity'>[],
  replies: BatchState['replies'],
): Promise<void> => {
  const asked = works.filter((work) => work.identity.request.request_id !== '');
  if (asked.length === 0) return;
  const { rows } = await statement<StoredReply>(
    knex,
    'read_replies',
    `select caller, request_id, request_hash, customer_ids, response from idempotency_keys
      where (caller, request_id) in (select * from unnest(?::text[], ?::text[]))`,
    [asked.map((work) => work.call.caller), asked.map((work) => work.identity.request.request_id)],
  );
  for (const row of rows) replies.set(replyKey(row.caller, row.request_id), row);
};

type Holder = {
  readonly id: string;
  readonly email: string | null;
  readonly has_account: boolean;
  readonly external_id: string | null;
};

const holdersOf = async (
  trx: Knex.Transaction,
  column: 'email' | 'external_id',
  values: readonly string[],
): Promise<readonly Holder[]> => {
  if (values.length === 0) return [];
  const { rows } = await statement<Holder>(
    trx,
    `holders_of_${column}`,
    `select id, email, has_account, external_id from customers where ${column} = any(?) and deleted_at is null`,
    [unique(values)],
  );
  return rows;
};

/** Looks up who holds what works claim: those alive hold e-mails and external_ids, an id is held for ever. */
export const readHolders = async (
  trx: Knex.Transaction,
  works: readonly Asking[],
  { customers, holders }: Pick<BatchState, 'customers' | 'holders'>,
): Promise<void> => {
  const claims = works.flatMap((work) => work.claims ?? []);
  const own = works
    .filter((work) => work.claims?.own === true)
    .flatMap((work) => work.customers.flatMap((id) => customers.get(id)?.customer ?? []));

  const ids = claims.flatMap((claim) => claim.ids ?? []);
  if (ids.length > 0) {
    const { rows } = await statement<{ id: string }>(
      trx,
      'holders_of_id',
      'select id from customers where id = any(?)',
      [ids],
    );
    for (const { id } of rows) holders.set(holderKey.id(id), id);
  }
  const emails = [...claims.flatMap((claim) => claim.emails ?? []), ...own.flatMap((row) => row.email ?? [])];
  for (const { id, email, has_account } of await holdersOf(trx, 'email', emails)) {
    if (email !== null) holders.set(holderKey.email(email, has_account), id);
  }
  const externalIds = [
    ...claims.flatMap((claim) => claim.external_ids ?? []),
    ...own.flatMap((row) => row.external_id ?? []),
  ];
  for (const { id, external_id } of await holdersOf(trx, 'external_id', externalIds)) {
    if (external_id !== null) holders.set(holderKey.externalId(external_id), id);
  }
  const names = claims.flatMap((claim) => claim.group_names ?? []);
  if (names.length > 0) {
    const groups = await CustomerGroupModel.query(trx)
      .select('id', 'name')
      .whereRaw('name = any(?)', [names])
      .castTo<{ id: string; name: string }[]>();
    for (const group of groups) holders.set(holderKey.groupName(group.name), group.id);
  }
};
