import type { ServiceDefinition } from '@grpc/grpc-js';
import type { BidiStreamHandler, ServerStreamHandler, UnaryHandler } from '../context';

/** A service and its handlers, under the method names of the generated definition. Every method has exactly one. */
export type RpcService = {
  readonly definition: ServiceDefinition;
  readonly unary: Readonly<Record<string, UnaryHandler<never, unknown>>>;
  readonly serverStream?: Readonly<Record<string, ServerStreamHandler<never, unknown>>>;
  readonly bidiStream?: Readonly<Record<string, BidiStreamHandler<never, unknown>>>;
  /** Encoders for answers that are half encoded already; all others are encoded by the generated code. */
  readonly encoders?: Readonly<Record<string, (response: never) => Uint8Array>>;
  /** Streams that never end by themselves: ended with DRAINING when the server stops. */
  readonly endless?: readonly string[];
  /** Streams that take as long as they make progress: ended without, and with DRAINING when the server stops. */
  readonly bulk?: readonly string[];
};
