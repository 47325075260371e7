import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFileRegistry, fromBinary, type DescMethod } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { credentials, makeClientConstructor, status, type Client, type ClientReadableStream } from '@grpc/grpc-js';
import { newId } from '../../src/models/ids';
import { connect } from '../support/client';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { startTestProcess, type TestProcess } from '../support/process';
import { createRandom } from '../support/random';
import { createMessages } from '../support/random-message';

/** `FUZZ_SEED` repeats a run; `FUZZ_CALLS` makes it longer. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1);
const calls = Number(process.env['FUZZ_CALLS'] ?? 2_000);
const random = createRandom(seed);

const descriptors = readFileSync(join(__dirname, '../../src/gen/descriptors.binpb'));
const methods = [...createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors))]
  .flatMap((type) => (type.kind === 'service' ? type.methods : []))
  .filter(({ parent }) => parent.typeName.startsWith('customer.v1.'));
const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;

let database: TestDatabase;
let service: TestProcess;
let raw: Client;
let ids: { readonly customers: readonly string[]; readonly groups: readonly string[]; readonly addresses: string[] };

const plausible = (field: string, message: string): string | undefined => {
  const { customers, groups, addresses } = ids;
  const ofGroup = /Group/.test(message);
  switch (field) {
    case 'email':
    case 'emails':
      return random.chance(0.5) ? `fuzz-${random.below(40)}@example.com` : `new-${random.next()}@example.com`;
    case 'id':
    case 'ids':
      if (/Address/.test(message)) return random.pick(addresses);
      return random.pick(ofGroup ? groups : [...customers, newId('cus')]);
    case 'aggregate_id':
    case 'aggregate_ids':
    case 'customer_id':
    case 'customer_ids':
      return random.pick([...customers, newId('cus')]);
    case 'address_id':
      return random.pick(addresses);
    case 'group_ids':
      return random.pick(groups);
    case 'country_code':
      return random.pick(['de', 'US', 'hk']);
    case 'paths':
      return random.pick(['email', 'id', 'metadata', 'revision', 'name', 'first_name']);
    case 'order_by':
      return random.pick(['created_at', 'email asc', 'last_name desc', 'updated_at']);
    case 'request_id':
      return random.chance(0.5) ? '' : `fuzz-${random.below(500)}`;
    case 'password':
    case 'current_password':
    case 'new_password':
      return random.pick(['correct horse', 'battery staple', 'correct horse battery']);
    case 'password_hash':
    case 'token':
    case 'page_token':
      return '';
    default:
      return random.pick(['Anna', 'Jensen', '12 34', 'x']);
  }
};

beforeAll(async () => {
  database = await createTestDatabase();
  service = await startTestProcess(database);
  const client = connect(service.port);
  const customers: string[] = [];
  const addresses: string[] = [];
  for (let n = 0; n < 30; n += 1) {
    const password = n % 2 === 0 ? { password: 'correct horse' } : {};
    const { customer } = await client.call('createCustomer', { email: `fuzz-${n}@example.com`, ...password });
    const address = { first_name: 'A', last_name: 'B', address_1: `${n}`, city: 'C', country_code: 'hk' };
    const added = await client.call('addAddress', { customer_id: customer!.id, address });
    customers.push(customer!.id);
    addresses.push(added.address!.id);
  }
  const groups = await Promise.all(['one', 'two', 'three'].map((name) => client.call('createCustomerGroup', { name })));
  ids = { customers, addresses, groups: groups.map(({ customer_group }) => customer_group!.id) };
  client.close();
  raw = new (makeClientConstructor({}, 'raw'))(`127.0.0.1:${service.port}`, credentials.createInsecure());
}, 60_000);
afterAll(async () => {
  raw.close();
  await service.stop();
  await database.drop();
});

const asIs = (body: Buffer): Buffer => body;

/** Sends bytes to any method, reads a stream for a moment only, and answers the status with its details. */
const send = (method: DescMethod, bytes: Buffer): Promise<{ readonly code: status; readonly details: string }> =>
  new Promise((resolve) => {
    const deadline = { deadline: Date.now() + 20_000 };
    if (method.methodKind === 'unary') {
      const request = raw.makeUnaryRequest(pathOf(method), asIs, asIs, bytes, deadline, () => undefined);
      request.on('status', resolve);
      return;
    }
    const watch = (stream: ClientReadableStream<Buffer>): void => {
      stream.on('data', () => undefined);
      stream.on('error', () => undefined);
      stream.on('status', resolve);
      setTimeout(() => stream.cancel(), 500).unref();
    };
    if (method.methodKind === 'server_streaming') {
      watch(raw.makeServerStreamRequest(pathOf(method), asIs, asIs, bytes, deadline));
    } else {
      const stream = raw.makeBidiStreamRequest<Buffer, Buffer>(pathOf(method), asIs, asIs, deadline);
      watch(stream);
      stream.end(bytes);
    }
  });

it(`answers whatever comes in, and is never at fault (FUZZ_SEED=${seed})`, async () => {
  const messages = createMessages(random, plausible);
  const faults = new Map<string, string>();
  const codes = new Map<string, number>();
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < calls) {
      const method = methods[next++ % methods.length]!;
      const bytes = Buffer.from(messages(method.input));
      const { code, details } = await send(method, bytes);
      const name = status[code];
      codes.set(name, (codes.get(name) ?? 0) + 1);
      if (
        [status.INTERNAL, status.UNKNOWN, status.UNIMPLEMENTED, status.DEADLINE_EXCEEDED, status.UNAVAILABLE].includes(
          code,
        )
      ) {
        faults.set(method.name, `${name} ${details} for ${bytes.toString('base64').slice(0, 2_000)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, caller));
  if (process.env['FUZZ_SEED'] !== undefined) process.stdout.write(`${JSON.stringify(Object.fromEntries(codes))}\n`);
  expect(Object.fromEntries(faults)).toEqual({});
  expect(service.logs.filter(({ level }) => level >= 50)).toEqual([]);
  expect(codes.get('OK')).toBeGreaterThan(calls / 50);
}, 180_000);
