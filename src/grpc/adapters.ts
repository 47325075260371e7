import type { EventEmitter } from 'node:events';
import { constants, type ServerHttp2Stream } from 'node:http2';
import {
  status,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerDuplexStream,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import type { BidiStreamHandler, Context, ServerStreamHandler, UnaryHandler } from '../context';
import { decoded, takeIn, type Adapting, type Incoming, type Undecodable } from './incoming';

/** Turns an answer into bytes; the library only passes them on, so that a message that cannot be encoded is our error. */
export type Serialize = (response: unknown) => Buffer;

/** Promise in, callback out. Owns every way a call can end, so that no rejection is left over: one would end the process. */
export const unary =
  (
    context: Context,
    handler: UnaryHandler<never, unknown>,
    serialize: Serialize,
    adapting: Adapting,
  ): handleUnaryCall<unknown, Buffer> =>
  (grpcCall, callback) => {
    const answer = (error: unknown): void => {
      const refusal = incoming.refuse(error);
      if (incoming.end(refusal.code)) callback(refusal);
    };
    const incoming = takeIn(adapting, grpcCall, 'unary', answer);
    const run = async (): Promise<Buffer> =>
      serialize(await handler(context, decoded(grpcCall.request as Undecodable) as never, incoming.call));
    run().then((response) => {
      if (incoming.end(status.OK)) callback(null, response);
    }, answer);
  };

type Writing = ServerWritableStream<unknown, Buffer> | ServerDuplexStream<unknown, Buffer>;

/** Bytes handed to the library that the caller has not taken: a slow caller costs this much memory, and one message. */
const MAX_UNSENT = 256 * 1024;

/** Sends what a handler yields, as fast as the caller takes it. */
const pump = async (
  stream: Writing,
  adapting: Adapting,
  answers: (incoming: Incoming) => AsyncIterable<unknown>,
  serialize: Serialize,
): Promise<void> => {
  const fail = (thrown: unknown): void => {
    const refusal = incoming.refuse(thrown);
    if (!incoming.end(refusal.code)) return;
    stream.emit('error', refusal);
    cutWhenIgnored(stream);
  };
  const incoming = takeIn(adapting, stream, 'stream', fail);
  const { signal } = incoming.call;
  let unsent = 0;
  let goOn = (): void => undefined;
  for (const event of ['cancelled', 'close']) stream.on(event, () => goOn());
  signal.addEventListener('abort', () => goOn());
  try {
    for await (const answer of answers(incoming)) {
      if (incoming.isOver()) return;
      const chunk = serialize(answer);
      unsent += chunk.length;
      stream.write(chunk, () => {
        unsent -= chunk.length;
        incoming.progress();
        goOn();
      });
      while (unsent > MAX_UNSENT && !incoming.isOver() && !signal.aborted) {
        await new Promise<void>((resolve) => (goOn = resolve));
      }
    }
    signal.throwIfAborted();
    if (incoming.end(status.OK)) stream.end();
  } catch (error) {
    fail(error);
  }
};

/** How long a caller that takes nothing may hold on to a call that was refused. */
const IGNORED_MS = 5_000;

/**
 * A status waits behind the messages before it: a caller that takes none of them would keep them here for ever. The
 * library has no way to give up on such a call, so the HTTP/2 stream below it is reset.
 */
const cutWhenIgnored = (stream: Writing): void => {
  const { call } = stream as unknown as { readonly call?: { readonly stream?: Partial<ServerHttp2Stream> } };
  const timer = setTimeout(() => call?.stream?.close?.(constants.NGHTTP2_CANCEL), IGNORED_MS).unref();
  stream.once('cancelled', () => clearTimeout(timer));
};

/** An answer in a stream. */
export const serverStream =
  (
    context: Context,
    handler: ServerStreamHandler<never, unknown>,
    serialize: Serialize,
    adapting: Adapting,
  ): handleServerStreamingCall<unknown, Buffer> =>
  (stream) => {
    const answers = ({ call }: Incoming) => handler(context, decoded(stream.request as Undecodable) as never, call);
    void pump(stream, adapting, answers, serialize);
  };

/** Streams both ways; requests are read as fast as the handler asks for them. */
export const bidiStream =
  (
    context: Context,
    handler: BidiStreamHandler<never, unknown>,
    serialize: Serialize,
    adapting: Adapting,
  ): handleBidiStreamingCall<unknown, Buffer> =>
  (stream) => {
    const answers = (incoming: Incoming) =>
      handler(context, requestsOf(stream, incoming) as AsyncGenerator<never>, incoming.call);
    void pump(stream, adapting, answers, serialize);
  };

/** The library's own iterator would not hear of the signal while it waits for a message. */
const requestsOf = async function* (stream: ServerDuplexStream<unknown, Buffer>, { call, progress }: Incoming) {
  for (;;) {
    call.signal.throwIfAborted();
    const request = stream.read() as Undecodable | null;
    if (request !== null) {
      progress();
      yield decoded(request);
    } else {
      if (stream.readableEnded) return;
      await firstOf(stream, ['readable', 'end', 'close'], call.signal);
    }
  }
};

/** Resolves at the first of these events, or once the signal is aborted, and leaves no listener behind. */
const firstOf = (stream: EventEmitter, events: readonly string[], signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      for (const event of events) stream.off(event, done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    for (const event of events) stream.on(event, done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
