import { setTimeout as delay } from 'node:timers/promises';
import { credentials, makeClientConstructor, status, type ServiceError } from '@grpc/grpc-js';
import {
  CustomerServiceService,
  ImportCustomersRequest,
  type ImportCustomersResponse,
} from '../../../src/gen/customer/v1/customer';
import { anAddress } from '../../support/address';
import { refusalOf } from '../../support/client';
import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';
import { collect, importAll, resultOf, type Row } from '../../support/streams';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

const BCRYPT = '$2b$04$abcdefghijklmnopqrstuuZDk9kSZ2dCO0yQFKrIV3pxOdtK0FW.G';

describe('ImportCustomers', () => {
  it('stores rows with hash, time and groups, each as one event, and answers in their order', async () => {
    const { customer_group } = await test.client.call('createCustomerGroup', { name: 'Wholesale' });
    const group_ids = [customer_group!.id];
    const results = await importAll(
      test.client.raw,
      Array.from({ length: 600 }, (_, n) => ({
        customer: { email: `Row-${n}@Example.com`, first_name: `First ${n}` },
        password_hash: n % 2 === 0 ? BCRYPT : '',
        created_at: { seconds: 1_500_000_000 + n, nanos: 1_999_999 },
        group_ids,
      })),
    );
    expect(results.map(({ index }) => index)).toEqual(Array.from({ length: 600 }, (_, n) => n));
    expect(results[599]!.customer).toMatchObject({
      email: 'row-599@example.com',
      first_name: 'First 599',
      has_account: false,
      revision: 1,
      created_at: { seconds: 1_500_000_599, nanos: 1_000_000 },
    });
    expect(results[598]!.customer?.has_account).toBe(true);
    const events = await eventsOf(test.database, results[7]!.customer!.id);
    expect(events).toMatchObject([{ type: 'customer.created', revision: 1, data: { added_group_ids: group_ids } }]);
    const [count] = await test.database.query(
      `select count(*)::int as rows, count(distinct revision)::int as revisions,
              bool_and(password_hash is not distinct from case when has_account then $1 end) as hashes,
              (select count(*)::int from customer_group_members) as members from customers`,
      [BCRYPT],
    );
    expect(count).toEqual({ rows: 600, revisions: 1, hashes: true, members: 600 });
  });

  it('reports a bad row with all its faults, stores nothing of it, and goes on', async () => {
    const group = 'cgrp_01HZZZZZZZZZZZZZZZZZZZZZZZ';
    const results = await importAll(test.client.raw, [
      { customer: { email: 'nobody', addresses: [{ first_name: 'A' }] }, group_ids: ['x'] },
      { customer: { email: 'bad-1@example.com', password: 'long enough' }, password_hash: BCRYPT },
      { customer: { email: 'bad-2@example.com' }, password_hash: '$2b$99$short' },
      { customer: { email: 'bad-3@example.com' }, created_at: { seconds: 253_402_300_799, nanos: 0 } },
      { customer: { email: 'bad-4@example.com' }, created_at: { seconds: 0, nanos: -1 } },
      { customer: { email: 'bad-5@example.com' }, group_ids: [group] },
      { password_hash: BCRYPT },
      { customer: { email: 'good@example.com' } },
      { customer: { email: 'GOOD@example.com' } },
    ]);
    const good = results[7]!.customer;
    expect(results).toMatchObject([
      {
        code: status.INVALID_ARGUMENT,
        reason: 'INVALID_REQUEST',
        fields: expect.arrayContaining(['customer.email', 'customer.addresses[0].city', 'group_ids[0]']),
      },
      { reason: 'INVALID_REQUEST', fields: ['password_hash'] },
      { reason: 'INVALID_REQUEST', fields: ['password_hash'] },
      { reason: 'INVALID_REQUEST', fields: ['created_at'] },
      { reason: 'INVALID_REQUEST', fields: ['created_at'] },
      { code: status.NOT_FOUND, reason: 'GROUP_NOT_FOUND' },
      { reason: 'INVALID_REQUEST', fields: ['customer'] },
      { customer: { email: 'good@example.com' } },
      { code: status.ALREADY_EXISTS, reason: 'GUEST_ALREADY_EXISTS', metadata: { existing_customer_id: good!.id } },
    ]);
    expect(await test.database.query(`select email from customers where email like 'bad%'`)).toEqual([]);
    const events = await eventsOf(test.database);
    expect(events.filter(({ data }) => JSON.stringify(data).includes('bad-'))).toEqual([]);
  });

  it.each<[string, Row, readonly string[]]>([
    [
      'an unknown country',
      { customer: { addresses: [anAddress({ country_code: 'xx' })] } },
      ['customer.addresses[0].country_code'],
    ],
    [
      'a 101st address',
      {
        customer: { addresses: Array.from({ length: 101 }, (_, n) => anAddress({ address_2: `${n}` })) },
      },
      ['customer.addresses'],
    ],
    ['a password of 7 bytes', { customer: { password: '1234567' } }, ['customer.password']],
    ['a password of 73 bytes', { customer: { password: 'x'.repeat(73) } }, ['customer.password']],
    [
      'U+0000',
      { customer: { first_name: 'a\0b', password: 'null\0null' } },
      ['customer.password', 'customer.first_name'],
    ],
    ['a number that is none', { customer: { metadata: { a: NaN, b: 'x'.repeat(20_000) } } }, ['customer.metadata.a']],
    ['an id of another form', { customer: { id: 'cus_1', request_id: 'a b' } }, ['customer.id', 'customer.request_id']],
    ['too many groups', { group_ids: Array.from({ length: 1_001 }, () => '') }, ['group_ids']],
    ['a time that is none', { created_at: { seconds: 253_402_300_800, nanos: 0 } }, ['created_at']],
    ['a hash in plain text', { password_hash: 'plain text' }, ['password_hash']],
  ])('names what is wrong with a row with %s, beside a good one', async (_, { customer, ...rest }, fields) => {
    const [bad, good] = await importAll(test.client.raw, [
      { customer: { email: 'wrong@example.com', ...customer }, ...rest },
      { customer: { email: 'right@example.com' } },
    ]);
    expect(bad).toMatchObject({ index: 0, code: status.INVALID_ARGUMENT, reason: 'INVALID_REQUEST', fields });
    expect(good).toMatchObject({ index: 1, customer: { email: 'right@example.com' } });
    expect(await test.database.query(`select 1 from customers where email = 'wrong@example.com'`)).toEqual([]);
    await test.client.call('deleteCustomer', { id: good!.customer!.id });
  });

  it('refuses a row whose id, external_id or request_id another one has taken', async () => {
    const taken = { email: 'taken@example.com', external_id: 'taken', request_id: 'taken' };
    const { customer } = await test.client.call('createCustomer', taken);
    const row = (request: object) => ({ customer: { email: 'takes@example.com', ...request } });
    expect(
      await importAll(test.client.raw, [
        row({ id: customer!.id }),
        row({ external_id: 'taken' }),
        row({ request_id: 'taken' }),
        row({ request_id: 'row' }),
        row({ request_id: 'row', first_name: 'Other' }),
      ]),
    ).toMatchObject([
      { code: status.ALREADY_EXISTS, reason: 'CUSTOMER_ID_TAKEN', metadata: { existing_customer_id: customer!.id } },
      { code: status.ALREADY_EXISTS, reason: 'EXTERNAL_ID_TAKEN', metadata: { existing_customer_id: customer!.id } },
      { code: status.INVALID_ARGUMENT, reason: 'REQUEST_ID_REUSED' },
      { customer: { email: 'takes@example.com', revision: 1 } },
      { code: status.INVALID_ARGUMENT, reason: 'REQUEST_ID_REUSED' },
    ]);
    expect(await test.database.query(`select 1 from customers where email = 'takes@example.com'`)).toHaveLength(1);
  });

  it('stores addresses, equal ones once, and hashes a password that is given', async () => {
    const address = {
      first_name: 'A',
      last_name: 'B',
      address_1: 'C 1',
      city: 'D',
      country_code: 'DE',
      postal_code: '1',
    };
    const addresses = Array.from({ length: 150 }, (_, n) => ({ ...address, address_2: String(n % 100) }));
    const [result] = await importAll(test.client.raw, [
      { customer: { email: 'addresses@example.com', password: 'a password', addresses } },
    ]);
    expect(result!.customer?.has_account).toBe(true);
    expect(
      await test.database.query('select 1 from addresses where customer_id = $1', [result!.customer!.id]),
    ).toHaveLength(100);
    const login = { email: 'addresses@example.com', password: 'a password' };
    expect((await test.client.call('authenticateCustomer', login)).authenticated).toBe(true);
  });

  it('answers rows that were stored before as the first time, with no second event', async () => {
    const rows = Array.from({ length: 300 }, (_, n) => ({
      customer: { email: `again-${n}@example.com`, request_id: `again-${n}` },
    }));
    const first = await importAll(test.client.raw, rows.slice(0, 200));
    const second = await importAll(test.client.raw, rows);
    expect(second.slice(0, 200)).toEqual(first);
    expect(second.every(({ customer }) => customer !== undefined)).toBe(true);
    expect(await eventsOf(test.database, first[3]!.customer!.id)).toHaveLength(1);
  });

  it('stores exactly one of an e-mail that eight calls and an import create at once', async () => {
    const email = 'race@example.com';
    const calls = Array.from({ length: 8 }, () =>
      test.client.call('createCustomer', { email }).then(
        () => 'created',
        (error: unknown) => (error as { reason: string }).reason,
      ),
    );
    const results = await importAll(test.client.raw, [{ customer: { email } }, { customer: { email } }]);
    const answers = [...(await Promise.all(calls)), ...results.map(({ reason }) => reason ?? 'created')];
    expect(answers.sort()).toEqual([...Array.from({ length: 9 }, () => 'GUEST_ALREADY_EXISTS'), 'created'].sort());
  });

  it('answers the rows before a message that cannot be decoded, then ends with INVALID_REQUEST', async () => {
    const { path, responseDeserialize } = CustomerServiceService.importCustomers;
    const raw = new (makeClientConstructor({}, 'raw'))(`127.0.0.1:${test.service.port}`, credentials.createInsecure());
    const same = (bytes: Buffer) => bytes;
    const stream = raw.makeBidiStreamRequest<Buffer, ImportCustomersResponse>(path, same, responseDeserialize);
    const ended = collect<ImportCustomersResponse>(stream);
    const row = { customer: { email: 'before-garbage@example.com' } };
    stream.write(Buffer.from(ImportCustomersRequest.encode(ImportCustomersRequest.fromPartial(row)).finish()));
    stream.write(Buffer.from('garbage'));
    const { messages, error } = await ended;
    raw.close();
    expect(messages.flatMap(({ results }) => results)).toMatchObject([{ index: 0, outcome: { $case: 'customer' } }]);
    expect(refusalOf(error!)).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
  });

  it('ends with RESOURCE_EXHAUSTED at a message of more than 1 MiB', async () => {
    const call = importAll(test.client.raw, [
      { customer: { email: 'big@example.com', first_name: 'x'.repeat(1024 * 1024) } },
    ]);
    await expect(call).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it('ends with UNAVAILABLE, not with bad rows, when the database cannot work', async () => {
    await test.database.query('alter table customer_outbox rename to moved_away');
    const call = importAll(test.client.raw, [{ customer: { email: 'unavailable@example.com' } }]);
    const refused = await call.catch((error: unknown) => refusalOf(error as ServiceError));
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE', retries: true });
    await test.database.query('alter table moved_away rename to customer_outbox');
  });

  it('takes rows no faster than their results are read, and loses none', async () => {
    const ROWS = 1_000;
    const stream = test.client.raw.importCustomers();
    // The library reads without end for a caller that has never read.
    stream.once('data', () => stream.pause());
    const filler = 'x'.repeat(16_000);
    for (let n = 0; n < ROWS; n += 1) {
      const customer = { email: `slow-${n}@example.com`, metadata: { filler } };
      stream.write(ImportCustomersRequest.fromPartial({ customer }));
    }
    stream.end();
    const stored = async () => {
      const sql = `select count(*)::int as count from customers where email like 'slow-%'`;
      return (await test.database.query<{ count: number }>(sql))[0]!.count;
    };
    let before = -1;
    for (let now = await stored(); now !== before || now === 0; now = await stored()) {
      before = now;
      await delay(700);
    }
    expect(before).toBeLessThan(ROWS - 100);
    const { messages, error } = await collect<ImportCustomersResponse>(stream);
    expect(error).toBeUndefined();
    const answered = messages.flatMap(({ results }) => results.map((result) => resultOf(result).index));
    expect(answered).toEqual(Array.from({ length: answered.length }, (_, n) => ROWS - answered.length + n));
  });

  it('stops when the caller cancels', async () => {
    const stream = test.client.raw.importCustomers();
    const ended = collect<ImportCustomersResponse>(stream);
    for (let n = 0; n < 5_000; n += 1) {
      stream.write(ImportCustomersRequest.fromPartial({ customer: { email: `cancelled-${n}@example.com` } }));
    }
    await new Promise((resolve) => stream.once('data', resolve));
    stream.cancel();
    expect((await ended).error?.code).toBe(status.CANCELLED);
    await test.service.context.changes.drained();
    const sql = `select count(*)::int as count from customers where email like 'cancelled-%'`;
    const [{ count } = { count: 0 }] = await test.database.query<{ count: number }>(sql);
    await delay(200);
    expect(await test.database.query(sql)).toEqual([{ count }]);
    expect(count).toBeLessThan(3_000);
  });

  it('ends with DRAINING when the server stops, after the results of what is being stored', async () => {
    const other = await startTestService({ database: test.database });
    const stream = other.client.raw.importCustomers();
    const ended = collect<ImportCustomersResponse>(stream);
    let sent = 0;
    const send = (): void => {
      while (stream.writable && sent < 100_000) {
        const customer = { email: `drain-${sent}@example.com` };
        sent += 1;
        if (!stream.write(ImportCustomersRequest.fromPartial({ customer }))) return void stream.once('drain', send);
      }
    };
    send();
    await new Promise((resolve) => stream.once('data', resolve));
    await other.stop();
    const { messages, error } = await ended;
    expect(refusalOf(error!)).toMatchObject({ code: 'UNAVAILABLE', reason: 'DRAINING', retries: true });
    const answered = messages.flatMap(({ results }) => results).length;
    const sql = `select count(*)::int as count from customers where email like 'drain-%'`;
    const [{ count } = { count: 0 }] = await test.database.query<{ count: number }>(sql);
    expect(count).toBe(answered);
  });
});
