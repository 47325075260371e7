import type { Pipeline, Statement } from '../db/pipeline';
import type { CustomerState } from '../events/changed-fields';
import { fingerprintKey, type AddressRow } from '../models/address';
import type { CustomerRow } from '../models/customer';
import type { GroupRow } from '../models/customer-group';
import { replyKey, type BatchState, type StoredReply } from './state';
import * as tables from './tables';
import type { Insertable, Updatable } from './tables';

/** What is in the database, as read or last written. */
export type Written = {
  readonly customers: Map<string, CustomerState>;
  readonly groups: Map<string, GroupRow | undefined>;
};

/** Takes note of what is in the database now, for the next `writeRows`. */
export const asWritten = (state: BatchState): Written => ({
  customers: new Map(state.customers),
  groups: new Map(state.groups),
});

/** Nobody waits for what is sent here: a statement that fails fails the transaction. */
type Send = Pipeline['send'];

const insert = <Row>(send: Send, { insert: statement, valuesOf }: Insertable<Row>, rows: readonly Row[]): void => {
  if (rows.length > 0) void send(statement, valuesOf(rows));
};

const update = <Row>(send: Send, { update: statement, valuesOf }: Updatable<Row>, rows: readonly Row[]): void => {
  if (rows.length > 0) void send(statement, valuesOf(rows));
};

const withIds = (send: Send, statement: Statement, ids: readonly string[]): void => {
  if (ids.length > 0) void send(statement, [ids]);
};

const byEmailAndId = (a: CustomerRow, b: CustomerRow): number =>
  `${a.email ?? ''}\n${a.id}` < `${b.email ?? ''}\n${b.id}` ? -1 : 1;

/**
 * Sends what the decisions have changed, one statement a table: what frees a name before what takes one, new customers
 * by (email, id) so that two processes cannot cross.
 */
export const writeRows = (send: Send, state: BatchState, written: Written): void => {
  const changed = [...state.customers].flatMap(([id, after]) => {
    const before = written.customers.get(id);
    return before === after ? [] : [{ before, after }];
  });
  const existing = changed.filter(({ before }) => before !== undefined);
  const fresh = changed.filter(({ before }) => before === undefined);
  update(
    send,
    tables.CUSTOMERS,
    existing.map(({ after }) => after.customer).sort((a, b) => (a.id < b.id ? -1 : 1)),
  );
  insert(send, tables.CUSTOMERS, fresh.map(({ after }) => after.customer).sort(byEmailAndId));
  writeAddresses(send, changed);
  writeGroups(send, state, written);
  writeMembers(send, changed);
};

type Changed = readonly { readonly before: CustomerState | undefined; readonly after: CustomerState }[];

/**
 * A statement checks a unique index row by row: when one address becomes what another was, in one change, the other's
 * fingerprint has to be out of the way first.
 */
const inTheWay = (was: ReadonlyMap<string, AddressRow>, altered: readonly AddressRow[]): string[] => {
  if (altered.length < 2) return [];
  const keyOf = (row: AddressRow): string => `${row.customer_id} ${fingerprintKey(row)}`;
  const wanted = new Map(altered.map((row) => [keyOf(row), row.id]));
  return altered.flatMap(({ id }) => {
    const before = was.get(id);
    const next = before && wanted.get(keyOf(before));
    return next === undefined || next === id ? [] : [id];
  });
};

const writeAddresses = (send: Send, changed: Changed): void => {
  const was = new Map(changed.flatMap(({ before }) => before?.addresses ?? []).map((address) => [address.id, address]));
  const is = new Map(changed.flatMap(({ after }) => after.addresses).map((address) => [address.id, address]));
  const gone = [...was.keys()].filter((id) => !is.has(id));
  const altered = [...is.values()].filter(({ id }) => was.has(id) && was.get(id) !== is.get(id));
  const fresh = [...is.values()].filter(({ id }) => !was.has(id));
  withIds(send, tables.DELETE.addresses, gone);
  withIds(send, tables.FREE_FINGERPRINTS, inTheWay(was, altered));
  update(send, tables.ADDRESSES, altered);
  insert(send, tables.ADDRESSES, fresh);
};

const writeMembers = (send: Send, changed: Changed): void => {
  const pairs = (of: CustomerState, without: CustomerState | undefined): tables.Member[] =>
    of.group_ids.flatMap((group_id) =>
      without?.group_ids.includes(group_id) === true
        ? []
        : [{ group_id, customer_id: of.customer.id, created_at: of.customer.created_at }],
    );
  const left = changed.flatMap(({ before, after }) => (before === undefined ? [] : pairs(before, after)));
  const joined = changed.flatMap(({ before, after }) => pairs(after, before));
  if (left.length > 0) {
    void send(tables.DELETE_MEMBERS, [left.map((row) => row.group_id), left.map((row) => row.customer_id)]);
  }
  insert(send, tables.MEMBERS, joined);
};

const writeGroups = (send: Send, state: BatchState, written: Written): void => {
  const changed = [...state.groups].filter(([id, after]) => written.groups.get(id) !== after);
  const kept = changed.flatMap(([, after]) => after ?? []);
  const gone = changed.flatMap(([id, after]) => (after === undefined ? [id] : []));
  const isOld = ({ id }: GroupRow): boolean => written.groups.get(id) !== undefined;
  withIds(send, tables.DELETE.groups, gone);
  insert(send, tables.REMOVED_GROUPS, gone);
  update(send, tables.GROUPS, kept.filter(isOld));
  insert(
    send,
    tables.GROUPS,
    kept.filter((group) => !isOld(group)),
  );
};

const byKey = (a: StoredReply, b: StoredReply): number =>
  replyKey(a.caller, a.request_id) < replyKey(b.caller, b.request_id) ? -1 : 1;

/**
 * Answers to keep, and the events in the order they were decided: their ids follow the revisions. Last, when every row
 * is locked.
 */
export const writeRecord = (send: Send, { outbox, newReplies }: BatchState): void => {
  if (outbox.length + newReplies.length === 0) return;
  void send(tables.RECORD, tables.recordValues([...newReplies].sort(byKey), outbox));
};
