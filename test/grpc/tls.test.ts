import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { credentials, Metadata, status, type ChannelCredentials } from '@grpc/grpc-js';
import { CreateCustomerRequest, CustomerServiceClient } from '../../src/gen/customer/v1/customer';
import { createAuthority, type Authority, type Pair } from '../support/certificates';
import { startTestService, type TestService } from '../support/service';
import { until } from '../support/until';

let dir: string;
let authority: Authority;
let stranger: Authority;
const file = (name: string): string => join(dir, name);

const install = ({ key, cert }: Pair): void => {
  writeFileSync(file('server.key'), key);
  writeFileSync(file('server.crt'), cert);
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'customer-service-tls-'));
  [authority, stranger] = await Promise.all([createAuthority('our authority'), createAuthority('another authority')]);
  writeFileSync(file('ca.crt'), authority.cert);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Creates a customer over a channel of its own; answers the name of the status. */
const create = (test: TestService, channel: ChannelCredentials, email: string, request_id = ''): Promise<string> => {
  const client = new CustomerServiceClient(`127.0.0.1:${test.service.port}`, channel);
  const request = CreateCustomerRequest.fromPartial({ email, request_id });
  return new Promise((resolve) => {
    client.createCustomer(request, new Metadata(), { deadline: Date.now() + 10_000 }, (error) => {
      client.close();
      resolve(error === null ? 'OK' : status[error.code]);
    });
  });
};

const trusting = (ca: Authority, { key, cert }: Partial<Pair> = {}): ChannelCredentials =>
  credentials.createSsl(
    Buffer.from(ca.cert),
    key === undefined ? null : Buffer.from(key),
    cert === undefined ? null : Buffer.from(cert),
  );

/** The common name that a new connection is shown. */
const shownName = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connectTls(
      { host: '127.0.0.1', port, ca: authority.cert, servername: '', ALPNProtocols: ['h2'] },
      () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      },
    );
    socket.once('error', reject);
  });

it('serves TLS, to those only who trust it, and shows a certificate that was put in its place', async () => {
  install(await authority.issue('before.example'));
  const test = await startTestService({
    env: { TLS_CERT_FILE: file('server.crt'), TLS_KEY_FILE: file('server.key') },
  });
  expect(await create(test, trusting(authority), 'tls@example.com')).toBe('OK');
  expect(await create(test, trusting(stranger), 'stranger@example.com')).toBe('UNAVAILABLE');
  expect(await create(test, credentials.createInsecure(), 'plain@example.com')).toBe('UNAVAILABLE');
  expect(await shownName(test.service.port)).toBe('before.example');
  const after = await authority.issue('after.example');
  writeFileSync(file('server.crt'), after.cert);
  await until(async () => test.logs.some((line) => line.includes('keeping the old ones')));
  expect(await create(test, trusting(authority), 'half@example.com')).toBe('OK');
  install(after);
  await until(async () => (await shownName(test.service.port)) === 'after.example');
  expect(await create(test, trusting(authority), 'after@example.com')).toBe('OK');
  await test.stop();
}, 60_000);

it('does not start with a key that is not of the certificate', async () => {
  install({ ...(await authority.issue('one.example')), key: (await authority.issue('two.example')).key });
  const env = { TLS_CERT_FILE: file('server.crt'), TLS_KEY_FILE: file('server.key') };
  await expect(startTestService({ env })).rejects.toThrow(
    'TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE cannot be used',
  );
});

it('keeps the request_ids of callers apart', async () => {
  install(await authority.issue('server.example'));
  const env = {
    TLS_CERT_FILE: file('server.crt'),
    TLS_KEY_FILE: file('server.key'),
    TLS_CLIENT_CA_FILE: file('ca.crt'),
  };
  const test = await startTestService({ env });
  const [orders, billing] = [await authority.issue('orders.example'), await authority.issue('billing.example')];
  const ask = (caller: Pair, email: string) => create(test, trusting(authority, caller), email, 'the-same');
  expect(await ask(orders, 'orders@example.com')).toBe('OK');
  expect(await ask(billing, 'billing@example.com')).toBe('OK');
  expect(await ask(orders, 'orders@example.com')).toBe('OK');
  expect(await ask(billing, 'orders@example.com')).toBe('INVALID_ARGUMENT');
  const rows = await test.database.query<{ email: string }>('select email from customers order by email');
  expect(rows.map(({ email }) => email)).toEqual(['billing@example.com', 'orders@example.com']);
  await test.stop();
}, 60_000);

it('takes calls only from those whom the client authority has certified, and names them as the actor', async () => {
  install(await authority.issue('server.example'));
  const test = await startTestService({
    env: {
      TLS_CERT_FILE: file('server.crt'),
      TLS_KEY_FILE: file('server.key'),
      TLS_CLIENT_CA_FILE: file('ca.crt'),
    },
  });
  const caller = await authority.issue('orders.example');
  expect(await create(test, trusting(authority, caller), 'mtls@example.com')).toBe('OK');
  expect(await create(test, trusting(authority), 'nobody@example.com')).toBe('UNAVAILABLE');
  expect(await create(test, trusting(authority, await stranger.issue('x')), 'forged@example.com')).toBe('UNAVAILABLE');
  const rows = await test.database.query(
    'select actor from customer_events union all select actor from customer_outbox',
  );
  expect(rows).toEqual([{ actor: 'orders.example' }]);
  await test.stop();
}, 60_000);
