import { connect, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { refusalOf, type Refusal } from './client';

/** Calls below any gRPC client, for what no client does. */
export const openSession = (port: number): Promise<ClientHttp2Session> =>
  new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.once('connect', () => resolve(session));
    session.once('error', reject);
  });

/** Begins a call; its messages are the test's to write. */
export const open = (session: ClientHttp2Session, path: string, headers: IncomingHttpHeaders = {}) => {
  const base = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request({ ...base, ...headers });
  stream.on('error', () => undefined);
  return stream;
};

/** A message as it stands on the wire. */
export const framed = (message: Uint8Array, isCompressed = false): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = Number(isCompressed);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

/** How a call ends. Rejects when its stream is closed without a status. */
export const endOf = (stream: ClientHttp2Stream): Promise<Refusal> =>
  new Promise((resolve, reject) => {
    const read = (received: IncomingHttpHeaders): void => {
      if (received['grpc-status'] === undefined) return;
      const code = status[status[Number(received['grpc-status'])] as keyof typeof status];
      const metadata = Metadata.fromHttp2Headers(received);
      resolve(refusalOf({ code, details: String(received['grpc-message']), metadata } as ServiceError));
    };
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('close', () => reject(new Error(`closed with ${stream.rstCode}`)));
    stream.resume();
  });

/** Sends bytes as they are, on a connection of their own. */
export const sendBytes = async (
  { port, path }: { readonly port: number; readonly path: string },
  bytes: Buffer,
  headers: IncomingHttpHeaders = {},
): Promise<Refusal> => {
  const session = await openSession(port);
  const stream = open(session, path, headers);
  stream.end(bytes);
  return endOf(stream).finally(() => session.destroy());
};
