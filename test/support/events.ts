import type { TestDatabase } from './database';

/** An event as stored. */
export type StoredEvent = {
  readonly aggregate_id: string;
  readonly revision: number;
  readonly type: string;
  readonly request_id: string | null;
  readonly data: {
    readonly changed_fields: readonly string[];
    readonly customer: Readonly<Record<string, unknown>>;
    readonly previous?: Readonly<Record<string, unknown>>;
    readonly addresses?: readonly Readonly<Record<string, unknown>>[];
    readonly previous_addresses?: readonly Readonly<Record<string, unknown>>[];
    readonly removed_address_ids?: readonly string[];
    readonly added_group_ids?: readonly string[];
    readonly removed_group_ids?: readonly string[];
  };
};

/** Every event of a customer (or of all), in the order it was recorded, sequenced already or not. */
export const eventsOf = (database: TestDatabase, id?: string): Promise<StoredEvent[]> =>
  database.query<StoredEvent>(
    `select aggregate_id, revision, type, request_id, data from (
       select 0 as part, position as place, * from (select position, aggregate_id, revision, type, request_id, data from customer_events) logged
       union all
       select 1, id, id, aggregate_id, revision, type, request_id, data from customer_outbox) all_events
      where $1::text is null or aggregate_id = $1 order by part, place`,
    [id ?? null],
  );
