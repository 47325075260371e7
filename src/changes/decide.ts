import { isDeepStrictEqual } from 'node:util';
import { customerNotFound, DomainError, groupNotFound } from '../errors';
import type { CustomerEventType } from '../events/catalogue';
import { compare, type CustomerState, type Difference } from '../events/changed-fields';
import { customerEvent, groupEvent, type Extra, type Origin, type OutboxRow } from '../events/record';
import type { CustomerRow } from '../models/customer';
import type { GroupRow } from '../models/customer-group';
import { holderKey, layerOver, type BatchState } from './state';

/** How a change wants to be told when its fields alone do not say it. */
export type Announcement = Extra & { readonly type?: CustomerEventType };

/** What a decision sees, and where it leaves what it decided. Everything that must hold for every change is in here. */
export type Draft = {
  /** The time of the batch; no event of a customer is earlier than the one before, so a change may be told later. */
  readonly now: Date;
  /**
   * A customer that is alive. Throws CUSTOMER_NOT_FOUND, CUSTOMER_ERASED or REVISION_MISMATCH, in this order.
   * Only customers that the work named.
   */
  readonly customer: (id: string, expected_revision?: number) => CustomerState;
  /** The same without refusing: deleted and erased ones too. */
  readonly find: (id: string) => CustomerState | undefined;
  /** Throws REVISION_MISMATCH when a revision is expected and differs. */
  readonly expect: (state: { readonly revision: number }, expected_revision: number | undefined) => void;
  /** A new customer. Throws CUSTOMER_ID_TAKEN, then what `save` throws. */
  readonly create: (customer: CustomerState) => CustomerRow;
  /**
   * Takes the customer's state after the change and answers it with its new revision, times and one event more; or as
   * it was, when nothing differs and nothing is announced. Revisions and times of `after` are not looked at.
   * Throws CUSTOMER_ALREADY_REGISTERED, GUEST_ALREADY_EXISTS, EXTERNAL_ID_TAKEN.
   */
  readonly save: (after: CustomerState, announcement?: Announcement) => CustomerRow;
  /** Another hash of the same password: no event, no revision. */
  readonly rehash: (id: string, password_hash: string) => void;
  /** A group, refusing like `customer`. Only groups that the work named. */
  readonly group: (id: string, expected_revision?: number) => GroupRow;
  readonly findGroup: (id: string) => GroupRow | undefined;
  /** Like `save`, for a group; undefined instead of `after` deletes it. Throws GROUP_NAME_TAKEN. */
  readonly saveGroup: (id: string, after: GroupRow | undefined) => GroupRow;
};

const NOTHING: Difference = {
  fields: [],
  addresses: [],
  previous_addresses: [],
  removed_address_ids: [],
  added_group_ids: [],
  removed_group_ids: [],
};

/** These tell of something that is no field of the customer: revision moves, updated_at does not. */
const SILENT: ReadonlySet<CustomerEventType> = new Set(['customer.password_reset', 'customer.locked']);

const later = (a: Date, b: Date | undefined): Date => (b !== undefined && b > a ? b : a);

/** The first that fits: erased, deleted, restored, created, registered, password_changed, what is announced, updated. */
const typeOf = (
  before: CustomerRow | undefined,
  after: CustomerRow,
  difference: Difference,
  announced: CustomerEventType | undefined,
): CustomerEventType | undefined => {
  if (before === undefined) return 'customer.created';
  if (before.erased_at === null && after.erased_at !== null) return 'customer.erased';
  if (before.deleted_at === null && after.deleted_at !== null) return 'customer.deleted';
  if (before.deleted_at !== null && after.deleted_at === null) return 'customer.restored';
  if (!before.has_account && after.has_account) return 'customer.registered';
  if (before.password_hash !== after.password_hash) return 'customer.password_changed';
  if (announced !== undefined && SILENT.has(announced)) return announced;
  return isNothing(difference) ? undefined : (announced ?? 'customer.updated');
};

const isNothing = (difference: Difference): boolean => Object.values(difference).every((part) => part.length === 0);

const revisionMismatch = (revision: number): DomainError =>
  new DomainError('REVISION_MISMATCH', `The revision is ${revision}, not the expected one`, {
    metadata: { current_revision: String(revision) },
  });

const heldBy = (reason: 'CUSTOMER_ALREADY_REGISTERED' | 'GUEST_ALREADY_EXISTS' | 'EXTERNAL_ID_TAKEN', id: string) =>
  new DomainError(
    reason,
    {
      CUSTOMER_ALREADY_REGISTERED: 'A customer with the given email already has an account. Log in instead',
      GUEST_ALREADY_EXISTS: 'Guest customer with email already exists',
      EXTERNAL_ID_TAKEN: 'Another customer has this external_id',
    }[reason],
    { metadata: { existing_customer_id: id }, resource: { type: 'customer', name: id } },
  );

/** A draft over the batch as the decision before has left it; `keep` hands down what was saved. */
export const draftOver = (batch: BatchState, origin: Origin, now: Date): { draft: Draft; keep: () => void } => {
  const customers = layerOver(batch.customers);
  const groups = layerOver(batch.groups);
  const holders = layerOver(batch.holders);
  const outbox: OutboxRow[] = [];

  const expect: Draft['expect'] = ({ revision }, expected_revision) => {
    if (expected_revision !== undefined && expected_revision !== revision) throw revisionMismatch(revision);
  };

  const keysOf = (row: CustomerRow | undefined) => ({
    email:
      row !== undefined && row.email !== null && row.deleted_at === null
        ? holderKey.email(row.email, row.has_account)
        : undefined,
    externalId:
      row !== undefined && row.external_id !== null && row.deleted_at === null
        ? holderKey.externalId(row.external_id)
        : undefined,
  });

  /** Refuses what another customer holds, and passes on what this one holds from now on. */
  const takeHold = (before: CustomerRow | undefined, after: CustomerRow): void => {
    const was = keysOf(before);
    const is = keysOf(after);
    const emailHolder = is.email === undefined ? undefined : holders.get(is.email);
    if (is.email !== was.email && emailHolder !== undefined && emailHolder !== after.id) {
      throw heldBy(after.has_account ? 'CUSTOMER_ALREADY_REGISTERED' : 'GUEST_ALREADY_EXISTS', emailHolder);
    }
    const externalIdHolder = is.externalId === undefined ? undefined : holders.get(is.externalId);
    if (is.externalId !== was.externalId && externalIdHolder !== undefined && externalIdHolder !== after.id) {
      throw heldBy('EXTERNAL_ID_TAKEN', externalIdHolder);
    }
    for (const key of Object.values(was)) if (key !== undefined) holders.set(key, undefined);
    for (const key of Object.values(is)) if (key !== undefined) holders.set(key, after.id);
  };

  const save: Draft['save'] = (after, { type: announced, ...extra } = {}) => {
    const before = customers.get(after.customer.id);
    const difference = before === undefined ? { ...NOTHING, ...newRelations(after) } : compare(before, after);
    const type = typeOf(before?.customer, after.customer, difference, announced);
    if (type === undefined) return before?.customer ?? after.customer;
    takeHold(before?.customer, after.customer);
    const revision = (before?.customer.revision ?? 0) + 1;
    const occurred_at = later(now, before?.customer.occurred_at);
    const customer: CustomerRow = {
      ...after.customer,
      revision,
      occurred_at,
      updated_at: SILENT.has(type) ? after.customer.updated_at : occurred_at,
      password_revision:
        after.customer.password_hash === (before?.customer.password_hash ?? null)
          ? after.customer.password_revision
          : revision,
    };
    customers.set(customer.id, { ...after, customer });
    outbox.push(customerEvent(type, before?.customer, customer, difference, origin, extra));
    return customer;
  };

  const draft: Draft = {
    now,
    expect,
    find: customers.get,
    customer: (id, expected_revision) => {
      const state = customers.get(id);
      if (state !== undefined && state.customer.erased_at !== null) throw customerErased(id);
      if (state === undefined || state.customer.deleted_at !== null) throw customerNotFound(id);
      expect(state.customer, expected_revision);
      return state;
    },
    create: (state) => {
      const { id } = state.customer;
      if (customers.get(id) !== undefined || holders.get(holderKey.id(id)) !== undefined) {
        throw new DomainError('CUSTOMER_ID_TAKEN', 'Another customer has this id', {
          metadata: { existing_customer_id: id },
          resource: { type: 'customer', name: id },
        });
      }
      return save(state);
    },
    save,
    rehash: (id, password_hash) => {
      const state = customers.get(id);
      if (state !== undefined) customers.set(id, { ...state, customer: { ...state.customer, password_hash } });
    },
    findGroup: groups.get,
    group: (id, expected_revision) => {
      const group = groups.get(id);
      if (group === undefined) throw groupNotFound(id);
      expect(group, expected_revision);
      return group;
    },
    saveGroup: (id, after) => {
      const before = groups.get(id);
      const fields = (['name', 'metadata'] as const).filter(
        (field) => before !== undefined && after !== undefined && !isDeepStrictEqual(before[field], after[field]),
      );
      if (before !== undefined && after !== undefined && fields.length === 0) return before;
      if (after !== undefined) takeName(before, after);
      const updated_at = later(now, before?.updated_at);
      const source = after ?? before;
      if (source === undefined) throw new Error('saveGroup was asked to delete a group that is not there');
      const group: GroupRow = { ...source, revision: (before?.revision ?? 0) + 1, updated_at };
      if (after === undefined) holders.set(holderKey.groupName(group.name), undefined);
      groups.set(id, after === undefined ? undefined : group);
      const type = after === undefined ? 'deleted' : before === undefined ? 'created' : 'updated';
      outbox.push(groupEvent(`customer_group.${type}`, before, group, fields, origin));
      return group;
    },
  };

  const takeName = (before: GroupRow | undefined, after: GroupRow): void => {
    const holder = holders.get(holderKey.groupName(after.name));
    if (holder !== undefined && holder !== after.id) {
      throw new DomainError('GROUP_NAME_TAKEN', 'Another customer group has this name', {
        metadata: { existing_customer_group_id: holder },
        resource: { type: 'customer_group', name: holder },
      });
    }
    if (before !== undefined) holders.set(holderKey.groupName(before.name), undefined);
    holders.set(holderKey.groupName(after.name), after.id);
  };

  const keep = (): void => {
    for (const layer of [customers, groups, holders]) layer.handDown();
    batch.outbox.push(...outbox);
  };
  return { draft, keep };
};

/** CUSTOMER_ERASED for one id. */
export const customerErased = (id: string): DomainError =>
  new DomainError('CUSTOMER_ERASED', `Customer with id: ${id} was erased`, {
    resource: { type: 'customer', name: id },
  });

const newRelations = (state: CustomerState): Partial<Difference> => ({
  addresses: state.addresses,
  added_group_ids: state.group_ids,
});
