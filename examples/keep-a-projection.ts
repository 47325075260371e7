/**
 * Keeps a full copy of all customers, with addresses and groups, out of the topics of events.
 *
 *   KAFKA_BROKERS=127.0.0.1:9092 node --import tsx examples/keep-a-projection.ts
 *
 * Exact whatever is delivered twice: a change counts only when its revision is above the one that is kept. In SQL that is
 * `insert … on conflict (id) do update set … where customers.revision < excluded.revision`.
 */
import { Kafka, logLevel } from 'kafkajs';

type Json = Readonly<Record<string, unknown>>;

/** The JSON of a CustomerEvent, as far as a copy needs it. */
type CustomerEvent = {
  readonly type: string;
  readonly customer_id: string;
  readonly revision: number;
  readonly customer: Json;
  readonly addresses?: readonly (Json & { readonly id: string })[];
  readonly removed_address_ids?: readonly string[];
  readonly added_group_ids?: readonly string[];
  readonly removed_group_ids?: readonly string[];
};

type GroupEvent = { readonly type: string; readonly group_id: string };

/** A customer as it is kept. A deleted one stays, out of sight: it may be restored as it was. */
export type Kept = {
  readonly revision: number;
  readonly isDeleted: boolean;
  readonly customer: Json;
  readonly addresses: ReadonlyMap<string, Json>;
  readonly groups: ReadonlySet<string>;
};

export type Projection = {
  readonly customers: Map<string, Kept>;
  /** Ids are never used again, so that a late `group_added` of a deleted group is known for what it is. */
  readonly deletedGroups: Set<string>;
};

/** One piece of code for all types of events: what a change carries says what it changed. */
export const applyCustomerEvent = ({ customers, deletedGroups }: Projection, event: CustomerEvent): void => {
  const before = customers.get(event.customer_id);
  if (before !== undefined && before.revision >= event.revision) return;
  const isErased = event.type === 'customer.erased';
  const addresses = new Map(isErased ? [] : before?.addresses);
  for (const id of event.removed_address_ids ?? []) addresses.delete(id);
  for (const address of event.addresses ?? []) addresses.set(address.id, address);
  const groups = new Set(isErased ? [] : before?.groups);
  for (const id of event.removed_group_ids ?? []) groups.delete(id);
  for (const id of event.added_group_ids ?? []) if (!deletedGroups.has(id)) groups.add(id);
  const isDeleted = isErased || event.customer['deleted_at'] !== undefined;
  const { customer, revision } = event;
  customers.set(event.customer_id, { revision, isDeleted, customer, addresses, groups });
};

/** A deleted group's members get no event each. */
export const applyGroupEvent = ({ customers, deletedGroups }: Projection, event: GroupEvent): void => {
  if (event.type !== 'customer_group.deleted') return;
  deletedGroups.add(event.group_id);
  for (const [id, kept] of customers) {
    if (!kept.groups.has(event.group_id)) continue;
    customers.set(id, { ...kept, groups: new Set([...kept.groups].filter((group) => group !== event.group_id)) });
  }
};

type Options = { readonly brokers: readonly string[]; readonly topicPrefix?: string; readonly groupId: string };

/** Follows both topics from the beginning; answers how to stop. */
export const keepProjection = async (projection: Projection, options: Options): Promise<() => Promise<void>> => {
  const { brokers, topicPrefix = '', groupId } = options;
  const consumer = new Kafka({ clientId: 'projection', brokers: [...brokers], logLevel: logLevel.WARN }).consumer({
    groupId,
  });
  const groupTopic = `${topicPrefix}customer-group.events`;
  await consumer.connect();
  await consumer.subscribe({ topics: [`${topicPrefix}customer.events`, groupTopic], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ topic, message }) => {
      const event: unknown = JSON.parse(message.value?.toString() ?? '{}');
      if (topic === groupTopic) applyGroupEvent(projection, event as GroupEvent);
      else applyCustomerEvent(projection, event as CustomerEvent);
    },
  });
  return () => consumer.disconnect();
};

if (require.main === module) {
  const brokers = (process.env['KAFKA_BROKERS'] ?? '127.0.0.1:9092').split(',');
  const projection: Projection = { customers: new Map(), deletedGroups: new Set() };
  void keepProjection(projection, { brokers, groupId: `projection-${process.pid}` });
  setInterval(() => console.log(`${projection.customers.size} customers`), 1_000);
}
