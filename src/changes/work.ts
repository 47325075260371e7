import type { Call } from '../context';
import type { Pipeline } from '../db/pipeline';
import type { Draft } from './decide';

/** How an answer is kept under its request_id: the generated message type itself. */
export type ReplyCodec<Reply> = {
  readonly encode: (message: Reply) => { readonly finish: () => Uint8Array };
  readonly decode: (bytes: Uint8Array) => Reply;
};

/** What makes a change idempotent: the rpc and its normalised request. No effect while `request_id` is empty. */
export type Identity = {
  readonly rpc: string;
  readonly request: { readonly request_id: string };
};

/**
 * What a change is going to hold alone: looked up before the decision, so that a conflict is refused there, and kept
 * apart from other changes of this process that claim the same.
 */
export type Claims = {
  /** Ids chosen by the caller for something new. */
  readonly ids?: readonly string[];
  /** Folded. */
  readonly emails?: readonly string[];
  readonly external_ids?: readonly string[];
  readonly group_names?: readonly string[];
  /** Also the e-mail and external_id that its customers hold already (restore, register). */
  readonly own?: boolean;
};

/** One change, as an rpc hands it to the engine. */
export type Work<Reply> = {
  readonly call: Call;
  readonly identity: Identity;
  readonly reply: ReplyCodec<Reply>;
  /** Customers that it may change: locked, at most 1,000. */
  readonly customers: readonly string[];
  /** Ids of the customers it makes. */
  readonly creates?: readonly string[];
  readonly claims?: Claims;
  /** Relations of its customers that the decision looks at; what is not asked for reads as empty and stays as it is. */
  readonly needs?: { readonly addresses?: boolean; readonly groups?: boolean };
  /** Groups it joins customers to (`share`) or changes themselves (`update`). */
  readonly groups?: { readonly ids: readonly string[]; readonly mode: 'share' | 'update' };
  /** Answer of a replay whose stored answer was erased with this customer; without it CUSTOMER_ERASED. */
  readonly replyWhenErased?: (id: string) => Reply;
  /**
   * The decision: synchronous, no I/O, everything it needs is in the draft. Returns the answer or throws a DomainError,
   * and then nothing it saved takes place. It may run several times; only what the last run saved counts.
   */
  readonly decide: (draft: Draft) => Reply;
};

/** Works that take place together or not at all, each on the state the one before has left. */
export type Sequence<Reply> = Omit<Work<Reply>, 'decide'> & {
  readonly steps: readonly ((draft: Draft) => void)[];
  /** Sends what else goes with the change, in its transaction, once every step has taken place and any changed something. */
  readonly also?: (send: Pipeline['send']) => void;
  /** The answer once every step has taken place. */
  readonly answer: () => Reply;
};
