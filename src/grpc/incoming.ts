import { randomUUID } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { status, type ServerDuplexStream, type ServerUnaryCall, type ServerWritableStream } from '@grpc/grpc-js';
import type { Call } from '../context';
import { DomainError, invalidRequest } from '../errors';
import type { Logger } from '../logger';
import { callerOf } from './callers';
import { msSince, type Observer } from './observe';
import { answerWith, refusalOf, type Answer, type Refusal } from './status';

/** What the adapters need beside a handler. */
export type Adapting = {
  readonly method: string;
  readonly log: Logger;
  readonly observer: Observer | undefined;
  /** Aborted when the server drains; only calls that would never end by themselves listen to it. */
  readonly draining?: AbortSignal;
  /** After how long without progress the call is ended; without it never. */
  readonly stallMs?: number | undefined;
};

/** A call without deadline gets this one; streams get none. */
const DEFAULT_DEADLINE_MS = 5_000;

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** What stands in the place of a request that could not be decoded: a throwing deserialiser is not ours to answer. */
export class Undecodable {
  constructor(readonly cause: unknown) {}
}

/** Throws INVALID_REQUEST for a message that could not be decoded, whatever was wrong with it. */
export const decoded = <Request>(request: Request | Undecodable): Request => {
  if (!(request instanceof Undecodable)) return request;
  throw invalidRequest([{ field: '', description: 'the message cannot be decoded' }]);
};

type GrpcCall =
  ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;

/** A call from its first to its last moment: ended exactly once, by us, the caller, the deadline or the library. */
export type Incoming = {
  readonly call: Call;
  readonly isOver: () => boolean;
  /** Tells the observer; false when the call had ended already and nothing may be sent any more. */
  readonly end: (code: status) => boolean;
  /** A message has come or gone: the call has not stalled. */
  readonly progress: () => void;
  /** What to send for something thrown; logs the cause of a bug. */
  readonly refuse: (thrown: unknown) => Answer;
};

/** What ends a call that the library would let go on. */
const limitOf = (kind: 'unary' | 'stream', given: number, stallMs: number | undefined) => {
  if (kind === 'unary') {
    return given === Infinity ? { ms: DEFAULT_DEADLINE_MS, message: 'The default deadline of 5 s passed' } : undefined;
  }
  return stallMs === undefined
    ? undefined
    : { ms: stallMs, message: `Nothing was sent or taken for ${stallMs / 1_000} s` };
};

/** Takes a call in. `onLimit` is called when a limit passes that the library does not know of. */
export const takeIn = (
  { method, log, observer, draining, stallMs }: Adapting,
  grpcCall: GrpcCall,
  kind: 'unary' | 'stream',
  onLimit: (error: DomainError) => void,
): Incoming => {
  const startedAt = performance.now();
  const given = Number(grpcCall.getDeadline());
  const limit = limitOf(kind, given, stallMs);
  const deadline = kind === 'unary' && limit !== undefined ? Date.now() + limit.ms : given;
  const traceparent = grpcCall.metadata.get('traceparent')[0];
  let controller: AbortController | undefined;
  let over = false;
  let abortReason: unknown;

  const call: Call = {
    id: randomUUID(),
    method,
    caller: callerOf(grpcCall),
    traceparent: typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined,
    deadline,
    // Most calls never look at it.
    get signal() {
      controller ??= new AbortController();
      if (abortReason !== undefined) controller.abort(abortReason);
      return controller.signal;
    },
    refusal: (thrown) => told(thrown),
  };

  const abort = (reason: unknown): void => {
    abortReason = reason;
    controller?.abort(reason);
  };

  const end = (code: status): boolean => {
    if (over) return false;
    over = true;
    if (timer !== undefined) clearTimeout(timer);
    draining?.removeEventListener('abort', drain);
    const { id, caller } = call;
    const ms = msSince(startedAt);
    observer?.ended({ id, method, caller, traceparent: call.traceparent, code: status[code], ms });
    return true;
  };

  const drain = (): void => abort(new DomainError('DRAINING', 'This server is shutting down, call again'));

  const timer =
    limit &&
    setTimeout(() => {
      const error = new DomainError('DEADLINE_EXCEEDED', limit.message);
      abort(error);
      onLimit(error);
    }, limit.ms);
  draining?.addEventListener('abort', drain, { once: true });
  observer?.started(method);
  // The library emits this after every call, also after one that was answered.
  (grpcCall as EventEmitter).on('cancelled', () => {
    const isLate = Date.now() >= deadline;
    if (!end(isLate ? status.DEADLINE_EXCEEDED : status.CANCELLED)) return;
    abort(new DomainError(isLate ? 'DEADLINE_EXCEEDED' : 'CANCELLED', 'The caller is gone'));
  });

  const told = (thrown: unknown): Refusal => {
    const { refusal, isBug } = refusalOf(thrown, call.id);
    if (isBug) log.error({ err: thrown, call_id: call.id, method }, 'a call failed');
    else if (refusal.code === status.UNAVAILABLE)
      log.warn({ err: thrown, call_id: call.id, method }, 'a call was not possible');
    return refusal;
  };
  return {
    call,
    isOver: () => over,
    end,
    progress: () => {
      if (!over) timer?.refresh();
    },
    refuse: (thrown) => answerWith(told(thrown)),
  };
};
