import type { Knex } from 'knex';
import { statement } from '../db/statement';
import { CUSTOMER_COLUMNS, CustomerModel, type CustomerRow } from '../models/customer';
import { CustomerGroupModel, GROUP_COLUMNS, type GroupRow } from '../models/customer-group';
import { lookUp, readRelations } from './look-up';
import { newBatchState, type BatchState } from './state';
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
  limitMs: number,
): Promise<Locked> => {
  const state = newBatchState();
  if (wait) await limitWaiting(trx, limitMs);
  const customerIds = unique(works.flatMap((work) => work.customers)).sort();
  const customers = await lockCustomers(trx, customerIds, wait);
  for (const customer of customers) state.customers.set(customer.id, { customer, addresses: [], group_ids: [] });
  const blocked = new Set([
    ...(await rowsHeld(trx, 'customers', customerIds, state.customers)),
    ...(await lockGroups(trx, works, state.groups, wait)),
  ]);
  await readRelations(trx, works, state.customers);
  await lookUp(trx, works, state, limitMs);
  return { state, blocked };
};

/** Only who waits for rows needs a limit before the look-up sets one: everything before it skips what is held. */
const limitWaiting = (trx: Knex.Transaction, limitMs: number) =>
  statement(trx, 'limit_waiting', `select set_config('lock_timeout', ?, true)`, [String(limitMs)]);

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
const rowsHeld = async (
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
  return rowsHeld(trx, 'customer_groups', ids, groups);
};
