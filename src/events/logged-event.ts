import type { Pool, PoolClient } from 'pg';

/** An event as it stands in the log. `data` is the JSON to be sent, whole but for the position. */
export type LoggedEvent = {
  /** From 1; kept as a number here: 2^53 events are never reached. */
  readonly position: number;
  readonly aggregate_type: 'customer' | 'customer_group';
  readonly aggregate_id: string;
  readonly revision: number;
  readonly type: string;
  readonly occurred_at: Date;
  readonly traceparent: string | null;
  readonly data: string;
};

/** How much is read at once: `bytes` (at least 1) are those of the JSON, and the first event comes whatever its size. */
export type ReadLimits = { readonly events: number; readonly bytes: number };

/** The next events after a position, in order. */
export const readLog = async (
  client: Pool | PoolClient,
  after: number,
  { events, bytes }: ReadLimits,
): Promise<LoggedEvent[]> => {
  const { rows } = await client.query<Omit<LoggedEvent, 'position'> & { readonly position: string }>({
    name: 'read_log',
    text: `select position, aggregate_type, aggregate_id, revision, type, occurred_at, traceparent, data
             from (select *, sum(octet_length(data)) over (order by position rows unbounded preceding)
                             - octet_length(data) as before
                     from (select position, aggregate_type, aggregate_id, revision, type, occurred_at, traceparent,
                                  data::text as data
                             from customer_events where position > $1 order by position limit $2) as next) as sized
            where before < $3 order by position`,
    values: [after, events, bytes],
  });
  return rows.map((row) => ({ ...row, position: Number(row.position) }));
};

/** The JSON of an event with its position: spliced in, so that an event is encoded once in its life. */
export const eventJson = ({ position, data }: LoggedEvent): string => `{"position":"${position}",${data.slice(1)}`;
