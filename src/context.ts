import type { Changes } from './changes/engine';
import type { Config } from './config';
import type { Status } from './gen/google/rpc/status';
import type { Logger } from './logger';
import type { EventStream } from './events/stream';
import type { EventLog } from './reads/event-log';
import type { EventTail } from './reads/event-tail';
import type { Reads } from './reads/reads';
import type { Logins } from './security/logins';
import type { PageTokens } from './security/page-tokens';
import type { Passwords } from './security/passwords';

/** What every call may use. */
export type Context = {
  readonly config: Config;
  readonly log: Logger;
  /** The only way to change a customer or a group. */
  readonly changes: Changes;
  readonly reads: Reads;
  readonly eventLog: EventLog;
  readonly eventTail: EventTail;
  readonly pageTokens: PageTokens;
  readonly eventStream: EventStream;
  readonly passwords: Passwords;
  /** Counts failed logins. */
  readonly logins: Logins;
};

/** What is known of one call besides its request. */
export type Call = {
  /** Made by the service; in the log line of the call and in the metadata of INTERNAL. */
  readonly id: string;
  /** The full method, `/customer.v1.CustomerService/GetCustomer`. */
  readonly method: string;
  /** The calling service; '' when it is unknown. */
  readonly caller: string;
  readonly traceparent: string | undefined;
  /** Milliseconds since the epoch; every unary call has one, a stream's may be Infinity. */
  readonly deadline: number;
  /** Aborted when the caller is gone or the deadline has passed. */
  readonly signal: AbortSignal;
  /**
   * What a caller is told about something thrown, for streams that report a refusal and go on. Logs the cause of a bug.
   */
  readonly refusal: (thrown: unknown) => Status;
};

/** An rpc with one request and one response: returns the answer or throws, a DomainError for a refusal. */
export type UnaryHandler<Request, Response> = (ctx: Context, request: Request, call: Call) => Promise<Response>;

/** An rpc that answers with a stream: yields as fast as the caller reads, no faster. `call.signal` ends it. */
export type ServerStreamHandler<Request, Response> = (
  ctx: Context,
  request: Request,
  call: Call,
) => AsyncIterable<Response>;

/**
 * An rpc with a stream each way: takes requests as fast as it reads them, no faster. Reading throws once `call.signal` is
 * aborted, and INVALID_REQUEST at a message that cannot be decoded.
 */
export type BidiStreamHandler<Request, Response> = (
  ctx: Context,
  requests: AsyncIterable<Request>,
  call: Call,
) => AsyncIterable<Response>;
