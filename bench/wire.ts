import { connect, type Socket } from 'node:net';

/** One HTTP/2 connection that makes unary gRPC calls out of bytes prepared beforehand. */
export type Wire = {
  /** Calls `done` once with the message that was answered; undefined when the call failed: it is answered without one. */
  readonly call: (method: Method, message: Uint8Array, done: (answer: Buffer | undefined) => void) => void;
  readonly close: () => void;
};

/** The header block of a method, encoded once. */
export type Method = { readonly path: string; readonly block: Buffer };

const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const;
const FRAME_HEAD = 9;
const MESSAGE_HEAD = 5;
const LARGEST_WINDOW = 2 ** 31 - 1;

const literal = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]);

/** Header fields in HPACK's plainest form: static names where there are some, no Huffman code, no dynamic table. */
export const methodOf = (path: string): Method => ({
  path,
  block: Buffer.concat([
    Buffer.from([0x83, 0x86, 0x04]), // :method POST, :scheme http, :path …
    literal(path),
    Buffer.from([0x01]), // :authority …
    literal('localhost'),
    Buffer.from([0x0f, 0x10]), // content-type …
    literal('application/grpc'),
    Buffer.from([0x00]),
    literal('te'),
    literal('trailers'),
  ]),
});

const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(FRAME_HEAD);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Preface; windows so wide that nothing has to be granted later (2 GiB an answer and a connection). */
const HELLO = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1'),
  frame(FRAME.settings, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(LARGEST_WINDOW)])),
  frame(FRAME.windowUpdate, 0, 0, uint32(LARGEST_WINDOW - 65_535)),
]);

/** HEADERS and DATA of one call. Its message must fit into one frame (16 KiB). */
const request = ({ block }: Method, message: Uint8Array, stream: number): Buffer => {
  const bytes = Buffer.allocUnsafe(2 * FRAME_HEAD + block.length + MESSAGE_HEAD + message.length);
  const at = FRAME_HEAD + block.length;
  bytes.writeUIntBE(block.length, 0, 3);
  bytes.writeUInt16BE((FRAME.headers << 8) + FLAG.endHeaders, 3);
  bytes.writeUInt32BE(stream, 5);
  block.copy(bytes, FRAME_HEAD);
  bytes.writeUIntBE(MESSAGE_HEAD + message.length, at, 3);
  bytes.writeUInt16BE((FRAME.data << 8) + FLAG.endStream, at + 3);
  bytes.writeUInt32BE(stream, at + 5);
  bytes.writeUInt8(0, at + FRAME_HEAD);
  bytes.writeUInt32BE(message.length, at + FRAME_HEAD + 1);
  bytes.set(message, at + FRAME_HEAD + MESSAGE_HEAD);
  return bytes;
};

type Waiting = { readonly done: (answer: Buffer | undefined) => void; readonly parts: Buffer[] };

const answerOf = ({ parts }: Waiting): Buffer | undefined => {
  if (parts.length === 0) return undefined;
  const whole = parts.length === 1 ? parts[0] : Buffer.concat(parts);
  return whole?.subarray(MESSAGE_HEAD);
};

/** Reads frames as they come and hands each whole one on. */
const readFrames = (socket: Socket, take: (type: number, flags: number, stream: number, payload: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= FRAME_HEAD) {
      const end = at + FRAME_HEAD + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      take(
        bytes.readUInt8(at + 3),
        bytes.readUInt8(at + 4),
        bytes.readUInt32BE(at + 5),
        bytes.subarray(at + FRAME_HEAD, end),
      );
      at = end;
    }
    rest = bytes.subarray(at);
  });
};

/**
 * A client of a tenth of the cost of a real one, so that the server is what is measured: it sends prepared bytes and of
 * an answer looks at the frames alone. No TLS, no retries, no flow control towards the server: for small requests only.
 */
export const openWire = async (port: number): Promise<Wire> => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.write(HELLO);
  const waiting = new Map<number, Waiting>();
  let next = 1;
  const settle = (stream: number): void => {
    const call = waiting.get(stream);
    waiting.delete(stream);
    if (call !== undefined) call.done(answerOf(call));
  };
  const fail = (): void => {
    for (const [stream, call] of waiting) {
      waiting.delete(stream);
      call.done(undefined);
    }
  };
  socket.on('error', fail);
  socket.on('close', fail);
  readFrames(socket, (type, flags, stream, payload) => {
    if (type === FRAME.settings && (flags & FLAG.ack) === 0)
      socket.write(frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(0)));
    if (type === FRAME.ping && (flags & FLAG.ack) === 0) socket.write(frame(FRAME.ping, FLAG.ack, 0, payload));
    if (type === FRAME.data) waiting.get(stream)?.parts.push(payload);
    const ended = (type === FRAME.data || type === FRAME.headers) && (flags & FLAG.endStream) !== 0;
    if (ended || type === FRAME.reset) settle(stream);
  });
  let isCorked = false;
  return {
    call: (method, message, done) => {
      if (socket.destroyed) {
        setImmediate(done, undefined);
        return;
      }
      const stream = next;
      next += 2;
      waiting.set(stream, { done, parts: [] });
      // What is called in one turn of the event loop leaves in one write.
      if (!isCorked) {
        isCorked = true;
        socket.cork();
        process.nextTick(() => {
          isCorked = false;
          socket.uncork();
        });
      }
      socket.write(request(method, message, stream));
    },
    close: () => socket.destroy(),
  };
};
