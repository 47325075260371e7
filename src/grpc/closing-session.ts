import type { Http2Session, ServerHttp2Stream } from 'node:http2';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';

const mended = new WeakSet<Http2Session>();

/**
 * A session that is closing (too old, or the server drains) sends no pings, which the library takes for the silence of a
 * dead peer: it cuts every call that still runs there (grpc-js 1.14.7, `sendPing` in server.js). Here such a ping is
 * answered. A peer that dies then is left to TCP.
 */
export const keepWhileClosing = (call: ServerInterceptingCallInterface): void => {
  const { session } = (call as unknown as { readonly stream: ServerHttp2Stream }).stream;
  if (session === undefined || mended.has(session)) return;
  mended.add(session);
  const ping = session.ping.bind(session) as (answered: (error: Error | null) => void) => boolean;
  session.ping = (answered: unknown): boolean => {
    const callback = answered as (error: Error | null) => void;
    if (!session.closed || session.destroyed) return ping(callback);
    setImmediate(callback, null);
    return true;
  };
};
