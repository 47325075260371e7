import type { Knex } from 'knex';
import { statement } from '../db/statement';
import type { CustomerState } from '../events/changed-fields';
import { ADDRESS_COLUMNS, AddressModel, type AddressRow } from '../models/address';
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

/** What a look-up finds: a row for each thing that somebody holds, and one for each answer that is kept. */
type Found =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'email'; readonly id: string; readonly email: string; readonly has_account: boolean }
  | { readonly kind: 'external_id'; readonly id: string; readonly external_id: string }
  | { readonly kind: 'group_name'; readonly id: string; readonly group_name: string }
  | ({ readonly kind: 'reply' } & StoredReply)
  | { readonly kind: 'limit' };

/**
 * One round trip for everything, because round trips are what a batch is made of. Answers are looked up one by one: a
 * join would be planned while the table is new and small, and would then read it through for as long as the plan is kept.
 */
const LOOK_UP = `
  select 'limit' as kind, set_config('statement_timeout', ?, true) as id, null as email, null::boolean as has_account,
         set_config('lock_timeout', ?, true) as external_id, null as group_name,
         null as caller, null as request_id, null::bytea as request_hash, null::text[] as customer_ids, null::bytea as response
  union all
  select 'id', id, null, null, null, null, null, null, null, null, null from customers where id = any(?)
  union all
  select 'email', id, email, has_account, null, null, null, null, null, null, null
    from customers where email = any(?) and deleted_at is null
  union all
  select 'external_id', id, null, null, external_id, null, null, null, null, null, null
    from customers where external_id = any(?) and deleted_at is null
  union all
  select 'group_name', id, null, null, null, name, null, null, null, null, null
    from customer_groups where name = any(?)
  union all
  select 'reply', null, null, null, null, null, kept.caller, kept.request_id, request_hash, customer_ids, response
    from unnest(?::text[], ?::text[]) as asked (caller, request_id)
   cross join lateral (
     select * from idempotency_keys
      where caller = asked.caller and request_id = asked.request_id limit 1) as kept`;

/**
 * Looks up who holds what works claim (those alive hold e-mails and external_ids, an id is held for ever) and the
 * answers kept under their request_ids, and limits what follows in the transaction to `limitMs`.
 */
export const lookUp = async (
  trx: Knex,
  works: readonly Asking[],
  state: Pick<BatchState, 'customers' | 'holders' | 'replies'>,
  limitMs: number,
): Promise<void> => {
  const claims = works.flatMap((work) => work.claims ?? []);
  const own = works
    .filter((work) => work.claims?.own === true)
    .flatMap((work) => work.customers.flatMap((id) => state.customers.get(id)?.customer ?? []));
  const asked = works.filter((work) => work.identity.request.request_id !== '');
  const { rows } = await statement<Found>(trx, 'look_up', LOOK_UP, [
    String(limitMs),
    String(limitMs),
    unique(claims.flatMap((claim) => claim.ids ?? [])),
    unique([...claims.flatMap((claim) => claim.emails ?? []), ...own.flatMap((row) => row.email ?? [])]),
    unique([...claims.flatMap((claim) => claim.external_ids ?? []), ...own.flatMap((row) => row.external_id ?? [])]),
    unique(claims.flatMap((claim) => claim.group_names ?? [])),
    asked.map((work) => work.call.caller),
    asked.map((work) => work.identity.request.request_id),
  ]);
  for (const row of rows) {
    if (row.kind === 'reply') state.replies.set(replyKey(row.caller, row.request_id), row);
    else if (row.kind !== 'limit') state.holders.set(heldKey(row), row.id);
  }
};

const heldKey = (row: Exclude<Found, { readonly kind: 'reply' | 'limit' }>): string => {
  switch (row.kind) {
    case 'id':
      return holderKey.id(row.id);
    case 'email':
      return holderKey.email(row.email, row.has_account);
    case 'external_id':
      return holderKey.externalId(row.external_id);
    case 'group_name':
      return holderKey.groupName(row.group_name);
  }
};
