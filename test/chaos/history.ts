/** One sending of a call, and the name of the status code it ended with. */
export type Attempt = {
  /** The trace id it was sent under, by which the service's log knows it. */
  readonly trace: string;
  readonly service: string;
  readonly code: string;
  /** What was said beside the code. */
  readonly message: string;
  readonly startedAt: number;
  readonly endedAt: number;
};

/** A change that a caller was told of. */
export type Told = { readonly aggregate_id: string; readonly revision: number };

/** What the caller of a change knows in the end. */
export type Outcome =
  /** `changes`: each one it was told of, or how many there are; `customer`: as the answer had it. */
  | {
      readonly kind: 'acknowledged';
      readonly changes: readonly Told[] | number;
      readonly customer?: Readonly<Record<string, unknown>> | undefined;
    }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown' };

/** A call in the ledger. */
export type Call = {
  readonly request_id: string;
  readonly rpc: string;
  /** The customers that the request names. */
  readonly names: readonly string[];
  /** Once it was answered, and once it was refused because a customer is erased. */
  readonly isForgotten?: boolean;
  readonly attempts: readonly Attempt[];
  readonly outcome: Outcome;
};

/** An event, as the log, a topic or a watcher has it. Once its customer is erased it has no request_id in the log. */
export type SeenEvent = {
  readonly position: number;
  readonly aggregate_id: string;
  readonly revision: number;
  readonly type: string;
  readonly request_id: string | null;
  readonly occurred_at: string;
  /** The state after it; absent for groups. */
  readonly customer?: Readonly<Record<string, unknown>> | undefined;
};

/** A message of an event topic, in the order of the partition. */
export type Message = {
  readonly partition: string;
  readonly offset: number;
  readonly key: string;
  readonly event: SeenEvent;
};

/** A message of the compacted topic; `customer` is null in a tombstone. */
export type StateMessage = {
  readonly partition: string;
  readonly offset: number;
  readonly key: string;
  readonly revision: number;
  readonly customer: Readonly<Record<string, unknown>> | null;
};

/** A row of `customers`. */
export type Row = {
  readonly id: string;
  readonly revision: number;
  readonly isLive: boolean;
  readonly email: string;
  readonly metadata: Readonly<Record<string, unknown>>;
};

/** All that is known after a run, once everything is quiet. */
export type History = {
  readonly calls: readonly Call[];
  /** In the order of their positions. */
  readonly log: readonly SeenEvent[];
  /** Rows that never left the outbox. */
  readonly outbox: number;
  readonly messages: readonly Message[];
  readonly states: readonly StateMessage[];
  readonly rows: readonly Row[];
  /** The request_ids whose calls were made, and whose answers were erased with a customer since. */
  readonly erasedReplies: ReadonlySet<string>;
  /** What each watcher of the live stream got, in order. */
  readonly watched: readonly (readonly SeenEvent[])[];
};
