import type { AddressRow } from '../models/address';
import type { CustomerRow } from '../models/customer';
import type { GroupRow } from '../models/customer-group';
import type { CustomerEventType, EventType, GroupEventType } from './catalogue';
import { changedFields, type Difference } from './changed-fields';

/** A row for `customer_outbox`. `data` is the JSON that will be sent, whole but for the position. */
export type OutboxRow = {
  readonly aggregate_type: 'customer' | 'customer_group';
  readonly aggregate_id: string;
  readonly revision: number;
  readonly type: EventType;
  readonly occurred_at: Date;
  readonly actor: string | null;
  readonly request_id: string | null;
  readonly traceparent: string | null;
  readonly data: string;
};

/** Who asked for a change, as its event says. */
export type Origin = Pick<OutboxRow, 'actor' | 'request_id' | 'traceparent'>;

/** What only some events carry. */
export type Extra = {
  readonly expires_at?: Date;
  /** Proto-JSON of a duration: `"60s"`. */
  readonly retry_after?: string;
};

const absentIfNull = <T>(value: T | null): T | undefined => value ?? undefined;
const absentIfEmpty = <T>(values: readonly T[]): readonly T[] | undefined => (values.length === 0 ? undefined : values);

const customerJson = (row: CustomerRow) => ({
  id: row.id,
  email: row.email ?? '',
  first_name: absentIfNull(row.first_name),
  last_name: absentIfNull(row.last_name),
  phone: absentIfNull(row.phone),
  has_account: row.has_account,
  external_id: absentIfNull(row.external_id),
  billing_address_id: absentIfNull(row.billing_address_id),
  shipping_address_id: absentIfNull(row.shipping_address_id),
  metadata: row.metadata,
  revision: row.revision,
  created_at: row.created_at,
  updated_at: row.updated_at,
  deleted_at: absentIfNull(row.deleted_at),
});

const addressJson = (row: AddressRow) => ({
  id: row.id,
  customer_id: row.customer_id,
  company: absentIfNull(row.company),
  first_name: row.first_name,
  last_name: row.last_name,
  address_1: row.address_1,
  address_2: absentIfNull(row.address_2),
  city: row.city,
  country_code: row.country_code,
  province: absentIfNull(row.province),
  postal_code: absentIfNull(row.postal_code),
  phone: absentIfNull(row.phone),
  metadata: row.metadata,
  created_at: row.created_at,
  updated_at: row.updated_at,
});

const groupJson = (row: GroupRow) => ({
  id: row.id,
  name: row.name,
  metadata: row.metadata,
  revision: row.revision,
  created_at: row.created_at,
  updated_at: row.updated_at,
});

/** Only the fields named, as they were; one that was absent stays absent. */
const previousJson = (before: CustomerRow | undefined, fields: Difference['fields']) =>
  before === undefined || fields.length === 0
    ? undefined
    : Object.fromEntries(fields.map((field) => [field, absentIfNull(before[field])]));

const relationsJson = (difference: Difference) => ({
  addresses: absentIfEmpty(difference.addresses.map(addressJson)),
  previous_addresses: absentIfEmpty(difference.previous_addresses.map(addressJson)),
  removed_address_ids: absentIfEmpty(difference.removed_address_ids),
  added_group_ids: absentIfEmpty(difference.added_group_ids),
  removed_group_ids: absentIfEmpty(difference.removed_group_ids),
});

/** Types whose `changed_fields` stay empty: the whole customer came, went or came back. */
const WHOLE: ReadonlySet<EventType> = new Set<EventType>([
  'customer.created',
  'customer.deleted',
  'customer.restored',
  'customer.erased',
]);

/** The event of one change of a customer. `before` is absent for a new one; `after` has its new revision and times. */
export const customerEvent = (
  type: CustomerEventType,
  before: CustomerRow | undefined,
  after: CustomerRow,
  difference: Difference,
  origin: Origin,
  extra: Extra = {},
): OutboxRow => {
  const whole = WHOLE.has(type);
  return {
    aggregate_type: 'customer',
    aggregate_id: after.id,
    revision: after.revision,
    type,
    occurred_at: after.occurred_at,
    ...origin,
    data: JSON.stringify({
      id: `${after.id}:${after.revision}`,
      type,
      customer_id: after.id,
      revision: after.revision,
      occurred_at: after.occurred_at,
      actor: absentIfNull(origin.actor),
      request_id: absentIfNull(origin.request_id),
      changed_fields: whole ? [] : changedFields(difference),
      customer: customerJson(after),
      previous: whole ? undefined : previousJson(before, difference.fields),
      ...(type === 'customer.erased' ? {} : relationsJson(difference)),
      ...extra,
    }),
  };
};

/** The event of one change of a group; `occurred_at` is the group's updated_at, or the time it was deleted. */
export const groupEvent = (
  type: GroupEventType,
  before: GroupRow | undefined,
  after: GroupRow,
  fields: readonly ('name' | 'metadata')[],
  origin: Origin,
): OutboxRow => ({
  aggregate_type: 'customer_group',
  aggregate_id: after.id,
  revision: after.revision,
  type,
  occurred_at: after.updated_at,
  ...origin,
  data: JSON.stringify({
    id: `${after.id}:${after.revision}`,
    type,
    group_id: after.id,
    revision: after.revision,
    occurred_at: after.updated_at,
    actor: absentIfNull(origin.actor),
    request_id: absentIfNull(origin.request_id),
    changed_fields: fields,
    group: groupJson(after),
    previous:
      before === undefined || fields.length === 0
        ? undefined
        : Object.fromEntries(fields.map((field) => [field, before[field]])),
  }),
});
