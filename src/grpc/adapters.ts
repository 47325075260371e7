import {
  status,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
} from '@grpc/grpc-js';
import type { BidiStreamHandler, Context, ServerStreamHandler, UnaryHandler } from '../context';
import { decoded, takeIn, type Adapting, type Undecodable } from './incoming';

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
    const incoming = takeIn(adapting, grpcCall, answer);
    const run = async (): Promise<Buffer> =>
      serialize(await handler(context, decoded(grpcCall.request as Undecodable) as never, incoming.call));
    run().then((response) => {
      if (incoming.end(status.OK)) callback(null, response);
    }, answer);
  };

type Writable = {
  write: (chunk: Buffer, written: () => void) => unknown;
  on: (event: string, listener: () => void) => unknown;
  end: () => void;
  emit: (event: 'error', error: unknown) => boolean;
};

/** Bytes handed to the library that the caller has not taken: a slow caller costs this much memory, and one message. */
const MAX_UNSENT = 256 * 1024;

/** Sends what a handler yields, as fast as the caller takes it. */
const pump = async (
  stream: Writable,
  answers: (call: ReturnType<typeof takeIn>['call']) => AsyncIterable<unknown>,
  serialize: Serialize,
  incoming: ReturnType<typeof takeIn>,
): Promise<void> => {
  const { signal } = incoming.call;
  let unsent = 0;
  let goOn = (): void => undefined;
  for (const event of ['cancelled', 'close']) stream.on(event, () => goOn());
  signal.addEventListener('abort', () => goOn());
  try {
    for await (const answer of answers(incoming.call)) {
      if (incoming.isOver()) return;
      const chunk = serialize(answer);
      unsent += chunk.length;
      stream.write(chunk, () => {
        unsent -= chunk.length;
        goOn();
      });
      while (unsent > MAX_UNSENT && !incoming.isOver() && !signal.aborted) {
        await new Promise<void>((resolve) => (goOn = resolve));
      }
    }
    signal.throwIfAborted();
    if (incoming.end(status.OK)) stream.end();
  } catch (error) {
    const refusal = incoming.refuse(error);
    if (incoming.end(refusal.code)) stream.emit('error', refusal);
  }
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
    const incoming = takeIn(adapting, stream, undefined);
    void pump(
      stream,
      (call) => handler(context, decoded(stream.request as Undecodable) as never, call),
      serialize,
      incoming,
    );
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
    const incoming = takeIn(adapting, stream, undefined);
    const requests = async function* (): AsyncGenerator {
      for await (const request of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Undecodable>) {
        yield decoded(request);
      }
    };
    void pump(stream, (call) => handler(context, requests() as AsyncGenerator<never>, call), serialize, incoming);
  };
