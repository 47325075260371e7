import { makeClientConstructor, credentials, status, type Client, type ServiceError } from '@grpc/grpc-js';
import { CustomerServiceService } from '../../src/gen/customer/v1/customer';
import { refusalOf } from '../support/client';
import { services } from '../../src/rpc/services';
import { startTestService, type TestService } from '../support/service';

let test: TestService;
let raw: Client;
beforeAll(async () => {
  test = await startTestService();
  raw = new (makeClientConstructor({}, 'raw'))(`127.0.0.1:${test.service.port}`, credentials.createInsecure());
});
afterAll(async () => {
  raw.close();
  await test.stop();
});

/** Sends bytes as they are. */
const send = (bytes: Buffer, path: string = CustomerServiceService.createCustomer.path): Promise<ServiceError | null> =>
  new Promise((resolve) => {
    raw.makeUnaryRequest(
      path,
      (body: Buffer) => body,
      (body) => body,
      bytes,
      (error) => resolve(error),
    );
  });

/** Tag and length of a field whose content has so many bytes. */
const head = (number: number, length: number): Buffer => {
  const bytes = [(number << 3) | 2];
  for (let rest = length; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
};

const field = (number: number, content: Buffer): Buffer => Buffer.concat([head(number, content.length), content]);

/** A google.protobuf.Value with lists in lists, `depth` deep. */
const nestedLists = (depth: number): Buffer => {
  const parts: Buffer[] = [Buffer.from([0x08, 0x00])];
  let length = 2;
  for (let level = 0; level < depth; level += 1) {
    for (const number of [1, 6]) {
      const part = head(number, length);
      parts.push(part);
      length += part.length;
    }
  }
  return Buffer.concat(parts.reverse());
};

const metadataOf = (depth: number): Buffer =>
  field(7, field(1, Buffer.concat([field(1, Buffer.from('deep')), field(2, nestedLists(depth))])));

const answersStill = () =>
  test.client.call('getCustomer', { id: 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ' }).catch((error: unknown) => error);

describe('hostile input', () => {
  afterEach(async () => expect(await answersStill()).toMatchObject({ reason: 'CUSTOMER_NOT_FOUND' }));

  it('refuses bytes that are no message, whatever is called', async () => {
    const paths = services.flatMap(({ definition, unary }) =>
      Object.keys(unary).flatMap((name) => definition[name]?.path ?? []),
    );
    const garbage = [Buffer.from('garbage'), Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.from([0x0a, 0x7f])];
    for (const path of paths) {
      for (const bytes of garbage) {
        const error = await send(bytes, path);
        expect(`${path} ${status[error?.code ?? 0]}`).toBe(`${path} INVALID_ARGUMENT`);
      }
    }
  });

  it('names every fault of a request at once, by its proto path', async () => {
    const refusal = await test.client.refusal(
      test.client.call('createCustomer', {
        id: 'cus_81HZZZZZZZZZZZZZZZZZZZZZZZ',
        email: 'no address',
        password: 'short',
        first_name: 'a\0b',
        last_name: 'x'.repeat(201),
        phone: '1'.repeat(41),
        external_id: '\0',
        metadata: { bad: Number.NaN, 'a\0b': 1 },
        addresses: [{ first_name: 'A', country_code: 'xx' }],
        request_id: 'not visible: \u00e4',
      }),
    );
    expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
    expect([...(refusal.fields ?? [])].sort()).toEqual(
      expect.arrayContaining([
        'addresses[0].address_1',
        'addresses[0].city',
        'addresses[0].country_code',
        'addresses[0].last_name',
        'email',
        'external_id',
        'first_name',
        'id',
        'last_name',
        'metadata.bad',
        'password',
        'phone',
        'request_id',
      ]),
    );
  });

  it('refuses a message of 2 MiB', async () => {
    expect((await send(field(3, Buffer.alloc(2 * 1024 * 1024, 'x'))))?.code).toBe(status.RESOURCE_EXHAUSTED);
  });

  it('refuses metadata that is nested 100 and 100,000 deep', async () => {
    const email = field(1, Buffer.from('deep@example.com'));
    for (const depth of [100, 20_000, 100_000]) {
      const error = await send(Buffer.concat([email, metadataOf(depth)]));
      expect([status.INVALID_ARGUMENT, status.RESOURCE_EXHAUSTED]).toContain(error?.code);
    }
  });

  it('refuses a list in metadata with a value of no kind', async () => {
    const list = field(6, field(1, Buffer.alloc(0)));
    const entry = field(1, Buffer.concat([field(1, Buffer.from('list')), field(2, list)]));
    const error = await send(Buffer.concat([field(1, Buffer.from('kind@example.com')), field(7, entry)]));
    expect(error && refusalOf(error)).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['metadata.list'] });
  });

  it('looks at no more than 100 of a million relations and paths', async () => {
    const id = field(1, Buffer.from('cus_01HZZZZZZZZZZZZZZZZZZZZZZZ'));
    const mask = field(2, Buffer.alloc(7_000, field(1, Buffer.from('email'))));
    const expand = field(3, Buffer.alloc(800_000, 9));
    const error = await send(Buffer.concat([id, mask, expand]), CustomerServiceService.getCustomer.path);
    expect(error && refusalOf(error)).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['read_mask', 'expand'] });
  });

  it('keeps the trailer of the worst refusal below 4 KiB, and tells 20 faults at most', async () => {
    const metadata = Object.fromEntries(Array.from({ length: 90 }, (_, index) => [`${'ü'.repeat(100)}${index}`, '\0']));
    const call = test.client.call('createCustomer', { email: '', metadata });
    const refusal = await test.client.refusal(call);
    expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
    expect(refusal.fields?.length).toBeGreaterThan(1);
    expect(refusal.fields?.length).toBeLessThanOrEqual(20);
  });

  it('answers UNAVAILABLE when a table is missing, and writes nothing', async () => {
    await test.database.query('alter table customer_outbox rename to moved_away');
    const refusal = await test.client.refusal(test.client.call('createCustomer', { email: 'lost@example.com' }));
    await test.database.query('alter table moved_away rename to customer_outbox');
    expect(refusal).toMatchObject({ code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE', retries: true });
    expect(await test.database.query(`select 1 from customers where email = 'lost@example.com'`)).toEqual([]);
  });
});
