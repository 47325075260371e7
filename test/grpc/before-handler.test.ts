import { constants, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { deflateSync, gunzip, gzipSync } from 'node:zlib';
import type { ChannelOptions } from '@grpc/grpc-js';
import { pino } from 'pino';
import { CreateCustomerRequest, ImportCustomersRequest } from '../../src/gen/customer/v1/customer';
import type { EndedCall } from '../../src/grpc/observe';
import { startServer, type GrpcServer } from '../../src/grpc/server';
import { services } from '../../src/rpc/services';
import { connect } from '../support/client';
import { endOf, framed, open, openSession, sendBytes } from '../support/http2';
import { startTestService, type TestService } from '../support/service';
import { until } from '../support/until';

const REQUEST_MS = 500;
const PING_MS = 500;
const CREATE = '/customer.v1.CustomerService/CreateCustomer';
const IMPORT = '/customer.v1.CustomerService/ImportCustomers';
const WATCH = '/customer.v1.CustomerEventService/WatchEvents';
const request = CreateCustomerRequest.encode(
  CreateCustomerRequest.fromPartial({ email: 'early@example.com' }),
).finish();

let test: TestService;
let server: GrpcServer;
let calls: Record<string, { started: number; ended: EndedCall[] }>;
const start = (channel: ChannelOptions): Promise<GrpcServer> => {
  const { context } = test.service;
  const of = (method: string) => (calls[method] ??= { started: 0, ended: [] });
  const observer = {
    started: (method: string) => void (of(method).started += 1),
    ended: (call: EndedCall) => void of(call.method).ended.push(call),
  };
  const { config } = context;
  return startServer({
    config,
    log: pino({ level: 'silent' }),
    context,
    services,
    observer,
    requestMs: REQUEST_MS,
    channel,
  });
};
beforeAll(async () => {
  test = await startTestService();
  server = await start({
    'grpc.keepalive_time_ms': PING_MS,
    'grpc.keepalive_timeout_ms': PING_MS,
    'grpc.max_connection_age_ms': 1_000,
  });
});
afterAll(async () => {
  await server.stop();
  await test.stop();
});
beforeEach(() => (calls = {}));

/** Nothing that was refused may run later. */
const leavesNothing = async () => {
  await delay(REQUEST_MS / 5);
  expect(await test.database.query('select 1 from customers')).toEqual([]);
};

const send = (bytes: Buffer, headers?: IncomingHttpHeaders, path = CREATE) =>
  sendBytes({ port: server.port, path }, bytes, headers);

const observed = (method = CREATE) => ({
  started: calls[method]?.started,
  codes: calls[method]?.ended.map(({ code }) => code),
});

describe('a request that never comes in full', () => {
  afterEach(leavesNothing);

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['half a message', framed(request).subarray(0, 12)],
    ['a message without an end', framed(request)],
  ])('ends with DEADLINE_EXCEEDED when it is %s, unary or not', async (_what, bytes) => {
    const session = await openSession(server.port);
    for (const path of [CREATE, WATCH]) {
      const startedAt = Date.now();
      const stream = open(session, path);
      if (bytes.length > 0) stream.write(bytes);
      expect(await endOf(stream)).toMatchObject({ code: 'DEADLINE_EXCEEDED', reason: 'DEADLINE_EXCEEDED' });
      expect(Date.now() - startedAt).toBeGreaterThanOrEqual(REQUEST_MS);
      expect(observed(path)).toEqual({ started: 1, codes: ['DEADLINE_EXCEEDED'] });
    }
    session.destroy();
  });

  it('ends at the deadline of its caller, before that or after', async () => {
    for (const deadlineMs of [REQUEST_MS / 2, REQUEST_MS * 2]) {
      const session = await openSession(server.port);
      const startedAt = Date.now();
      const ended = await endOf(open(session, CREATE, { 'grpc-timeout': `${deadlineMs}m` }));
      expect(ended).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      expect(Math.abs(Date.now() - startedAt - deadlineMs)).toBeLessThan(REQUEST_MS / 2);
      session.destroy();
    }
    expect(observed().codes).toEqual(['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED']);
  });

  it('is told of when its caller leaves', async () => {
    const session = await openSession(server.port);
    open(session, CREATE).write(Buffer.from([0]));
    await delay(REQUEST_MS / 5);
    session.destroy();
    await until(async () => observed().codes?.length === 1);
    expect(observed().started).toBe(1);
  });
});

describe('a compressed request', () => {
  afterEach(leavesNothing);

  const gzip = { 'grpc-encoding': 'gzip' };
  const notFound = CreateCustomerRequest.encode(CreateCustomerRequest.fromPartial({ email: 'no e-mail' })).finish();

  it('is read, by gzip and deflate', async () => {
    for (const [encoding, compress] of [
      ['gzip', gzipSync],
      ['deflate', deflateSync],
    ] as const) {
      const answer = await send(framed(compress(notFound), true), { 'grpc-encoding': encoding });
      expect(answer).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['email'] });
    }
  });

  it.each([
    ['no gzip', Buffer.from('no gzip at all')],
    ['empty', Buffer.alloc(0)],
    ['cut short', gzipSync(request).subarray(0, 20)],
    ['altered', Buffer.concat([gzipSync(request).subarray(0, -8), Buffer.alloc(8, 1)])],
  ])('is INVALID_REQUEST when its bytes are %s', async (_what, bytes) => {
    expect(await send(framed(bytes, true), gzip)).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_REQUEST',
      fields: [''],
    });
    expect(observed()).toEqual({ started: 1, codes: ['INVALID_ARGUMENT'] });
  });

  it('is INVALID_REQUEST in a stream too, which ends', async () => {
    const session = await openSession(server.port);
    const stream = open(session, IMPORT, gzip);
    stream.write(
      framed(gzipSync(ImportCustomersRequest.encode(ImportCustomersRequest.fromPartial({})).finish()), true),
    );
    stream.write(framed(Buffer.from('no gzip at all'), true));
    expect(await endOf(stream)).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
    session.destroy();
  });

  it('is UNIMPLEMENTED in another encoding', async () => {
    expect(await send(framed(request, true), { 'grpc-encoding': 'snappy' })).toMatchObject({ code: 'UNIMPLEMENTED' });
    expect(observed()).toEqual({ started: 1, codes: ['UNIMPLEMENTED'] });
  });

  it('is not inflated beyond what fits, whatever would come out of it', async () => {
    const part = gzipSync(Buffer.alloc(16 * 1024 * 1024));
    const bomb = Buffer.concat(Array.from({ length: 16 }, () => part));
    expect(bomb.length).toBeLessThan(1024 * 1024);
    const inflatedAt = performance.now();
    const inflated = new Promise<number>((resolve, reject) => {
      gunzip(bomb, (error, { length }) => (error === null ? resolve(length) : reject(error)));
    });
    expect(await inflated).toBe(256 * 1024 * 1024);
    const whole = performance.now() - inflatedAt;
    const startedAt = performance.now();
    const before = process.memoryUsage().rss;
    expect(await send(framed(bomb, true), gzip)).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    expect(performance.now() - startedAt).toBeLessThan(whole / 2);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
    expect(observed()).toEqual({ started: 1, codes: ['RESOURCE_EXHAUSTED'] });
  });
});

describe('a connection', () => {
  const isClosed = async (hello: Buffer): Promise<boolean> => {
    const socket = connectTcp(server.port, '127.0.0.1');
    let closed = false;
    socket.on('error', () => undefined);
    socket.on('close', () => (closed = true));
    socket.resume();
    if (hello.length > 0) socket.write(hello);
    await delay(PING_MS * 4);
    socket.destroy();
    return closed;
  };
  const PREFACE = Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
  ]);

  it('is closed when its other end answers no ping', async () => {
    expect(await Promise.all([isClosed(PREFACE), isClosed(Buffer.alloc(0)), isClosed(Buffer.from('PRI'))])).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('is kept while the server drains, for the calls that run on it', async () => {
    const draining = await start({ 'grpc.keepalive_time_ms': PING_MS, 'grpc.keepalive_timeout_ms': PING_MS });
    const client = connect(draining.port);
    const { customer } = await client.call('createCustomer', { email: 'slow@example.com' });
    await test.database.query('begin');
    await test.database.query('select 1 from customers for update');
    const slow = client.call('updateCustomer', { id: customer!.id, first_name: 'Late' }, { deadlineMs: 20_000 });
    await until(async () => calls['/customer.v1.CustomerService/UpdateCustomer']?.started === 1);
    const stopped = draining.stop();
    await delay(PING_MS * 3);
    await test.database.query('rollback');
    expect(await slow).toMatchObject({ customer: { first_name: 'Late' } });
    await stopped;
    client.close();
  });

  it('lives as long as the streams on it, though it is left for new calls once it is old', async () => {
    const session = await openSession(server.port);
    const left = new Promise<number>((resolve) => session.once('goaway', resolve));
    const stream = open(session, WATCH);
    stream.end(framed(Buffer.alloc(0)));
    let isOver = false;
    stream.on('close', () => (isOver = true));
    stream.resume();
    expect(await left).toBe(constants.NGHTTP2_NO_ERROR);
    await delay(2_000);
    expect(isOver).toBe(false);
    session.destroy();
  });
});
