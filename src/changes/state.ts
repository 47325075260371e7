import type { CustomerState } from '../events/changed-fields';
import type { OutboxRow } from '../events/record';
import type { GroupRow } from '../models/customer-group';

/** An answer kept under a request_id; once one of its customers was erased, it names that one and has no `response`. */
export type StoredReply = {
  readonly caller: string;
  readonly request_id: string;
  readonly request_hash: Buffer;
  readonly customer_ids: readonly string[];
  readonly response: Buffer | null;
};

/** Everything that the decisions of one batch look at and leave behind. Keys of `holders` come from `holderKey`. */
export type BatchState = {
  readonly customers: Map<string, CustomerState>;
  readonly groups: Map<string, GroupRow | undefined>;
  /** Who holds an id, e-mail, external_id or group name: a hint; the unique index stays the judge. */
  readonly holders: Map<string, string | undefined>;
  readonly replies: Map<string, StoredReply>;
  /** Written last, in this order. */
  readonly outbox: OutboxRow[];
  readonly newReplies: StoredReply[];
};

export const newBatchState = (found: Pick<BatchState, 'holders' | 'replies'>): BatchState => ({
  ...found,
  customers: new Map(),
  groups: new Map(),
  outbox: [],
  newReplies: [],
});

/** Names what only one can hold. */
export const holderKey = {
  id: (id: string) => `id ${id}`,
  email: (email: string, has_account: boolean) => `email ${has_account ? 'registered' : 'guest'} ${email}`,
  externalId: (external_id: string) => `external_id ${external_id}`,
  groupName: (name: string) => `group_name ${name}`,
} as const;

/** Names a request_id of one caller; a caller's name has no line break. */
export const replyKey = (caller: string, request_id: string): string => `${caller}\n${request_id}`;

/** A view of a map that keeps what is set to itself until it is told to hand it down. */
export type Layer<Value> = {
  readonly get: (key: string) => Value | undefined;
  readonly set: (key: string, value: Value) => void;
  readonly handDown: () => void;
};

export const layerOver = <Value>(base: Map<string, Value>): Layer<Value> => {
  const own = new Map<string, Value>();
  return {
    get: (key) => (own.has(key) ? own.get(key) : base.get(key)),
    set: (key, value) => own.set(key, value),
    handDown: () => {
      for (const [key, value] of own) base.set(key, value);
    },
  };
};
