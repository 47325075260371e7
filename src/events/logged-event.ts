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

/** An event as a query answers it. */
export type LoggedRow = Omit<LoggedEvent, 'position'> & { readonly position: string };

/** The columns of customer_events that make an event. */
export const LOGGED_COLUMNS =
  'position, aggregate_type, aggregate_id, revision, type, occurred_at, traceparent, data::text as data';

export const loggedEvent = <Row extends LoggedRow>({ position, ...row }: Row): LoggedEvent => ({
  ...row,
  position: Number(position),
});

/** How much is read at once: `bytes` (at least 1) are those of the JSON, and the first event comes whatever its size. */
export type ReadLimits = { readonly events: number; readonly bytes: number };

/** Of one send to Kafka: so every partition's part of it stays below what a topic takes at once. */
export const ONE_SEND: ReadLimits = { events: 1_000, bytes: 512 * 1024 };

/** The next events after a position, in order. */
export const readLog = async (
  client: Pool | PoolClient,
  after: number,
  { events, bytes }: ReadLimits,
): Promise<LoggedEvent[]> => {
  const { rows } = await client.query<LoggedRow>({
    name: 'read_log',
    text: `select ${LOGGED_COLUMNS}
             from (select *, sum(octet_length(data)) over (order by position rows unbounded preceding)
                             - octet_length(data) as before
                     from (select ${LOGGED_COLUMNS}
                             from customer_events where position > $1 order by position limit $2) as next) as sized
            where before < $3 order by position`,
    values: [after, events, bytes],
  });
  return rows.map(loggedEvent);
};

/** The JSON of an event with its position: spliced in, so that an event is encoded once in its life. */
export const eventJson = ({ position, data }: LoggedEvent): string => `{"position":"${position}",${data.slice(1)}`;
