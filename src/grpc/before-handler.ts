import { randomUUID } from 'node:crypto';
import {
  status,
  type Metadata,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { DomainError, invalidRequest } from '../errors';
import { callerOf } from './callers';
import { keepWhileClosing } from './closing-session';
import { msSince, type Observer } from './observe';
import { answerWith, refusalOf, type Answer } from './status';

type Options = {
  /** For how long the one request of a call without deadline may stay away. */
  readonly requestMs: number;
  /** Told of the calls that end before a handler has them. */
  readonly observerOf: (method: string) => Observer | undefined;
};

type GrpcCall = ServerInterceptingCallInterface;
type Listener = Parameters<GrpcCall['start']>[0];
type Sent = Parameters<GrpcCall['sendStatus']>[0];

const answerTo = (error: DomainError): Answer => answerWith(refusalOf(error, '').refusal);

/** The library's words, and its INTERNAL, for bytes that are the caller's fault. */
const BADLY_COMPRESSED = 'Failed to decompress message';
const refusal = (sent: Sent): Sent =>
  sent.code === status.INTERNAL && sent.details === BADLY_COMPRESSED
    ? answerTo(invalidRequest([{ field: '', description: 'the message cannot be decompressed' }]))
    : sent;

/** A call until a handler has it; stands between the library's call and the library's listener. */
class Early implements Listener {
  private listener: Listener | undefined;
  private hasRequest = false;
  private isHandled: boolean;
  private isOver = false;
  private readonly startedAt = performance.now();
  private readonly timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: Options,
    private readonly method: string,
    isStream: boolean,
    private readonly call: GrpcCall,
  ) {
    // A stream of requests has its handler at once.
    this.isHandled = isStream;
    if (!isStream && call.getDeadline() === Infinity) this.timer = setTimeout(late, options.requestMs, this);
  }

  late(): void {
    const message = `No request came within ${this.options.requestMs / 1_000} s`;
    this.call.sendStatus(answerTo(new DomainError('DEADLINE_EXCEEDED', message)));
  }

  listenFor(listener: Listener): this {
    this.listener = listener;
    return this;
  }

  end(code: status): void {
    this.isOver = true;
    if (this.isHandled) return;
    this.handled();
    const observer = this.options.observerOf(this.method);
    const known = { id: randomUUID(), method: this.method, caller: callerOf(this.call), traceparent: undefined };
    observer?.started(this.method);
    observer?.ended({ ...known, code: status[code], ms: msSince(this.startedAt) });
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.listener?.onReceiveMetadata(metadata);
  }

  onReceiveMessage(message: unknown): void {
    this.hasRequest = true;
    this.listener?.onReceiveMessage(message);
  }

  onReceiveHalfClose(): void {
    // The library takes the end of a call that was refused for the end of its request, and would run it.
    if (this.isOver) return;
    if (this.hasRequest) this.handled();
    this.listener?.onReceiveHalfClose();
  }

  onCancel(): void {
    this.end(status.CANCELLED);
    this.listener?.onCancel();
  }

  private handled(): void {
    this.isHandled = true;
    clearTimeout(this.timer);
  }
}

const late = (early: Early): void => early.late();

/**
 * What becomes of a call until a handler has it: the library tells nobody of one that it ends itself, and would wait for
 * ever for a request that never comes. Functions of ours are put on the library's call, because a ServerInterceptingCall
 * around it costs a fifth of a call.
 */
export const watchUntilHandled =
  (options: Options): ServerInterceptor =>
  (method, call) => {
    keepWhileClosing(call);
    const early = new Early(options, method.path, method.requestStream, call);
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called on it
    const { start, sendStatus } = call;
    call.start = (listener) => start.call(call, early.listenFor(listener));
    call.sendStatus = (sent) => {
      const answer = refusal(sent);
      early.end(answer.code);
      sendStatus.call(call, answer);
    };
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- the library takes the interface
    return call as ServerInterceptingCall;
  };
