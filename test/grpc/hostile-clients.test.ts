import type { IncomingHttpHeaders } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { GetCustomerRequest } from '../../src/gen/customer/v1/customer';
import { framed, open, openSession, sendBytes } from '../support/http2';
import { startTestService, type TestService } from '../support/service';
import { until } from '../support/until';

const GET = '/customer.v1.CustomerService/GetCustomer';
const WATCH = '/customer.v1.CustomerEventService/WatchEvents';
const unknown = { id: 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ' };

let test: TestService;
beforeAll(async () => (test = await startTestService({ env: { HTTP_PORT: '0', SHUTDOWN_GRACE_MS: '1000' } })));
afterAll(() => test.stop());
afterEach(async () => {
  expect(await test.client.refusal(test.client.call('getCustomer', unknown))).toMatchObject({ code: 'NOT_FOUND' });
});

const send = async (bytes: Buffer, headers?: IncomingHttpHeaders): Promise<string> =>
  (await sendBytes({ port: test.service.port, path: GET }, bytes, headers)).code;

const request = GetCustomerRequest.encode(GetCustomerRequest.fromPartial(unknown)).finish();

const inFlight = async (): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${test.service.httpPort}/metrics`)).text();
  const counts = [...text.matchAll(/^grpc_calls_in_flight\S* (\d+)$/gm)].map(([, count]) => Number(count));
  return counts.reduce((sum, count) => sum + count, 0);
};

describe('a client that misbehaves', () => {
  it('is told what gRPC prescribes of a message that is cut short, missing or double', async () => {
    expect(await send(framed(request).subarray(0, 12))).toBe('UNIMPLEMENTED');
    expect(await send(Buffer.alloc(0))).toBe('UNIMPLEMENTED');
    expect(await send(Buffer.concat([framed(request), framed(request)]))).toBe('UNIMPLEMENTED');
  });

  it('may send 60 KB of headers', async () => {
    const headers = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`x-large-${n}`, 'x'.repeat(2_000)]));
    expect(await send(framed(request), headers)).toBe('NOT_FOUND');
  });

  it('opens 1,000 streams and vanishes, and leaves nothing behind', async () => {
    const session = await openSession(test.service.port);
    for (let n = 0; n < 800; n += 1) open(session, GET).write(framed(request));
    const watching = Array.from({ length: 200 }, () => open(session, WATCH));
    for (const stream of watching) stream.end(framed(Buffer.alloc(0)));
    await until(async () => (await inFlight()) > 100);
    session.destroy();
    await until(async () => (await inFlight()) === 0);
  });

  it('sends a byte and then nothing, on 100 connections', async () => {
    const sessions = await Promise.all(Array.from({ length: 50 }, () => openSession(test.service.port)));
    for (const session of sessions) open(session, GET).write(Buffer.from([0]));
    const sockets = Array.from({ length: 50 }, () => connectTcp(test.service.port, '127.0.0.1'));
    for (const socket of sockets) socket.write('PRI');
    expect(await test.client.refusal(test.client.call('getCustomer', unknown))).toMatchObject({ code: 'NOT_FOUND' });
    for (const session of sessions) session.destroy();
    for (const socket of sockets) socket.destroy();
  });
});
