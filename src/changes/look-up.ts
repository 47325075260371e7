import { groupedBy } from '../db/grouped-by';
import { prepare, type Pipeline } from '../db/pipeline';
import { anyOf, sqlOf } from '../db/sql-of';
import type { CustomerState } from '../events/changed-fields';
import { ADDRESS_COLUMNS, AddressModel, type AddressRow } from '../models/address';
import type { CustomerRow } from '../models/customer';
import { holderKey, replyKey, type BatchState, type StoredReply } from './state';
import type { Work } from './work';

type Asking = Pick<Work<never>, 'call' | 'identity' | 'customers' | 'claims' | 'needs'>;
type Send = Pipeline['send'];

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

export const READ_ADDRESSES = prepare(
  'read_addresses',
  sqlOf(AddressModel, (query) =>
    query
      .select(...ADDRESS_COLUMNS)
      .whereRaw(...anyOf('customer_id'))
      .orderBy(['created_at', 'id']),
  ),
);

export const READ_MEMBERS = prepare(
  'read_members',
  `select member.group_id, member.customer_id
     from customer_group_members member join customer_groups on customer_groups.id = member.group_id
    where member.customer_id = any(?) order by member.group_id`,
);

type Relations = Pick<CustomerState, 'addresses' | 'group_ids'>;

/** Reads the relations that works ask for; answers those of a customer. What nobody asked for is empty. */
export const readRelations = async (send: Send, works: readonly Asking[]): Promise<(id: string) => Relations> => {
  const read = <Row>(relation: 'addresses' | 'groups', statement: typeof READ_MEMBERS): Promise<Row[]> => {
    const ids = unique(works.flatMap((work) => (work.needs?.[relation] === true ? work.customers : [])));
    return ids.length === 0 ? Promise.resolve([]) : send<Row>(statement, [ids]);
  };
  const [addresses, members] = await Promise.all([
    read<AddressRow>('addresses', READ_ADDRESSES),
    read<{ readonly group_id: string; readonly customer_id: string }>('groups', READ_MEMBERS),
  ]);
  const addressesOf = groupedBy(addresses, (row) => row.customer_id);
  const membersOf = groupedBy(members, (row) => row.customer_id);
  return (id) => ({ addresses: addressesOf(id), group_ids: membersOf(id).map(({ group_id }) => group_id) });
};

/** What a look-up finds: a row for each thing that somebody holds, and one for each answer that is kept. */
type Found =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'email'; readonly id: string; readonly email: string; readonly has_account: boolean }
  | { readonly kind: 'external_id'; readonly id: string; readonly external_id: string }
  | { readonly kind: 'group_name'; readonly id: string; readonly group_name: string }
  | ({ readonly kind: 'reply' } & StoredReply)
  | { readonly kind: 'limit' };

/** What a row names is looked up one by one: the plan of a join, made while a table is small, reads it through for ever. */
export const LOOK_UP = prepare(
  'look_up',
  `
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
      where caller = asked.caller and request_id = asked.request_id limit 1) as kept`,
);

/**
 * Looks up who holds what works claim (those alive hold e-mails and external_ids, an id is held for ever) and the
 * answers kept under their request_ids, and limits what follows in the transaction to `limitMs`. `owners` are customers
 * whose own e-mail and external_id are looked up as well.
 */
export const lookUp = async (
  send: Send,
  works: readonly Asking[],
  limitMs: number,
  owners: readonly CustomerRow[] = [],
): Promise<Pick<BatchState, 'holders' | 'replies'>> => {
  const claims = works.flatMap((work) => work.claims ?? []);
  const asked = works.filter((work) => work.identity.request.request_id !== '');
  const rows = await send<Found>(LOOK_UP, [
    String(limitMs),
    String(limitMs),
    unique(claims.flatMap((claim) => claim.ids ?? [])),
    unique([...claims.flatMap((claim) => claim.emails ?? []), ...owners.flatMap((row) => row.email ?? [])]),
    unique([...claims.flatMap((claim) => claim.external_ids ?? []), ...owners.flatMap((row) => row.external_id ?? [])]),
    unique(claims.flatMap((claim) => claim.group_names ?? [])),
    asked.map((work) => work.call.caller),
    asked.map((work) => work.identity.request.request_id),
  ]);
  const holders: BatchState['holders'] = new Map();
  const replies: BatchState['replies'] = new Map();
  for (const row of rows) {
    if (row.kind === 'reply') replies.set(replyKey(row.caller, row.request_id), row);
    else if (row.kind !== 'limit') holders.set(heldKey(row), row.id);
  }
  return { holders, replies };
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
