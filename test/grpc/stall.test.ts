import { setTimeout as delay } from 'node:timers/promises';
import { credentials, status } from '@grpc/grpc-js';
import { pino } from 'pino';
import {
  CustomerServiceClient,
  ImportCustomersRequest,
  type ExportCustomersResponse,
  type ImportCustomersResponse,
} from '../../src/gen/customer/v1/customer';
import { startServer, type GrpcServer } from '../../src/grpc/server';
import { services } from '../../src/rpc/services';
import { startTestService, type TestService } from '../support/service';
import { collect, importAll } from '../support/streams';

const STALL_MS = 1_000;

let test: TestService;
let server: GrpcServer;
let client: CustomerServiceClient;
beforeAll(async () => {
  test = await startTestService();
  const { context } = test.service;
  const observer = { started: () => undefined, ended: () => undefined };
  const options = { config: context.config, log: pino({ level: 'silent' }), context, services, observer };
  server = await startServer({ ...options, stallMs: STALL_MS });
  client = new CustomerServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await server.stop();
  await test.stop();
});

const row = (email: string, metadata = {}) => ImportCustomersRequest.fromPartial({ customer: { email, metadata } });

describe('a bulk stream without progress', () => {
  it('ends with DEADLINE_EXCEEDED when no row comes, not while rows come slowly', async () => {
    const stream = client.importCustomers();
    const ended = collect<ImportCustomersResponse>(stream);
    for (let n = 0; n < 8; n += 1) {
      stream.write(row(`slow-${n}@example.com`));
      await delay(STALL_MS / 4);
    }
    const { messages, error } = await ended;
    expect(messages.flatMap(({ results }) => results)).toHaveLength(8);
    expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED });
  });

  it('ends when its messages are not taken, and holds nothing afterwards', async () => {
    const metadata = { filler: 'x'.repeat(15_000) };
    await importAll(
      client,
      Array.from({ length: 1_200 }, (_, n) => row(`large-${n}@example.com`, metadata)),
    );
    const stream = client.exportCustomers({ filter: undefined });
    stream.once('data', () => stream.pause());
    await delay(STALL_MS * 2);
    const { error } = await collect<ExportCustomersResponse>(stream);
    expect([status.DEADLINE_EXCEEDED, status.CANCELLED]).toContain(error?.code);
  });
});
