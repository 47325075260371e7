import type { Model } from 'objection';
import { prepare, type Pipeline, type Statement } from '../db/pipeline';
import { anyOf, sqlOf, type Query } from '../db/sql-of';
import { CUSTOMER_COLUMNS, CustomerModel, type CustomerRow } from '../models/customer';
import { CustomerGroupModel, GROUP_COLUMNS, type GroupRow } from '../models/customer-group';
import { lookUp, readRelations } from './look-up';
import { newBatchState, type BatchState } from './state';
import type { Work } from './work';

/** What the engine needs to know of a work to lock for it. */
export type Lockable = Pick<Work<never>, 'call' | 'identity' | 'customers' | 'claims' | 'needs' | 'groups'>;

/** Locked and read: `blocked` names rows that exist but are held by somebody else; nothing of them is in `state`. */
export type Locked = { readonly state: BatchState; readonly blocked: ReadonlySet<string> };

type Send = Pipeline['send'];

/** Locks in the order of ids. `skip` leaves out what somebody else holds, `wait` waits for it. */
const lockOf = (name: string, model: typeof Model, columns: readonly string[], lock: (query: Query) => Query) => {
  const inOrder = (query: Query) =>
    lock(
      query
        .select(...columns)
        .whereRaw(...anyOf('id'))
        .orderBy('id'),
    );
  return {
    wait: prepare(`await_${name}`, sqlOf(model, inOrder)),
    skip: prepare(
      `lock_${name}`,
      sqlOf(model, (query) => inOrder(query).skipLocked()),
    ),
  };
};

export const LOCK = {
  customers: lockOf('customers', CustomerModel, CUSTOMER_COLUMNS, (query) => query.forNoKeyUpdate()),
  share: lockOf('shared_groups', CustomerGroupModel, GROUP_COLUMNS, (query) => query.forKeyShare()),
  update: lockOf('changed_groups', CustomerGroupModel, GROUP_COLUMNS, (query) => query.forUpdate()),
} as const;

export const HELD = {
  customers: prepare('held_customers', 'select id from customers where id = any(?)'),
  groups: prepare('held_groups', 'select id from customer_groups where id = any(?)'),
} as const;

/** Only who waits for rows needs a limit before the look-up sets one: everything before it skips what is held. */
const LIMIT_WAITING = prepare('limit_waiting', `select set_config('lock_timeout', ?, true)`);

/**
 * Locks the rows of a batch, customers by id and then groups by id, so that two processes cannot cross, and reads what
 * the decisions will look at, in one round trip. Rows that somebody else holds are skipped; with `wait` they are
 * waited for until the lock_timeout. Relations and look-ups are statements behind the lock, never joined to it: their
 * snapshot is younger than the lock.
 */
export const lockAndRead = async (
  send: Send,
  works: readonly Lockable[],
  wait: boolean,
  limitMs: number,
): Promise<Locked> => {
  const ids = [...new Set(works.flatMap((work) => work.customers))].sort();
  const groups = groupsOf(works);
  const some = <Row>(statement: { wait: Statement; skip: Statement }, rows: readonly string[]): Promise<Row[]> =>
    rows.length === 0 ? Promise.resolve([]) : send<Row>(wait ? statement.wait : statement.skip, [rows]);

  if (wait) void send(LIMIT_WAITING, [String(limitMs)]);
  const locked = some<CustomerRow>(LOCK.customers, ids);
  // What they hold already is known once they are read: the one case of a third round trip.
  const own = new Set(works.flatMap((work) => (work.claims?.own === true ? work.customers : [])));
  const owners = own.size === 0 ? [] : (await locked).filter(({ id }) => own.has(id));
  const [customers, shared, changed, relations, found] = await Promise.all([
    locked,
    some<GroupRow>(LOCK.share, groups.share),
    some<GroupRow>(LOCK.update, groups.update),
    readRelations(send, works),
    lookUp(send, works, limitMs, owners),
  ]);
  const state = newBatchState(found);
  for (const customer of customers) state.customers.set(customer.id, { customer, ...relations(customer.id) });
  for (const group of [...shared, ...changed]) state.groups.set(group.id, group);
  const held = await Promise.all([
    rowsHeld(send, HELD.customers, ids, state.customers),
    rowsHeld(send, HELD.groups, [...groups.share, ...groups.update], state.groups),
  ]);
  return { state, blocked: new Set(held.flat()) };
};

/** The groups of a batch, by the strength of their locks: whoever changes a group has it to himself. */
const groupsOf = (works: readonly Lockable[]): Readonly<Record<'share' | 'update', string[]>> => {
  const idsOf = (mode: 'share' | 'update') =>
    new Set(works.flatMap(({ groups }) => (groups?.mode === mode ? groups.ids : [])));
  const update = idsOf('update');
  return { share: [...idsOf('share')].filter((id) => !update.has(id)).sort(), update: [...update].sort() };
};

/** Those of `ids` that were not obtained although they exist. */
const rowsHeld = async (
  send: Send,
  statement: Statement,
  ids: readonly string[],
  obtained: ReadonlyMap<string, unknown>,
): Promise<string[]> => {
  const missing = ids.filter((id) => !obtained.has(id));
  return missing.length === 0 ? [] : (await send<{ id: string }>(statement, [missing])).map(({ id }) => id);
};
