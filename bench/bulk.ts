import { BinaryReader } from '@bufbuild/protobuf/wire';
import { credentials, Client } from '@grpc/grpc-js';
import type { Client as Database } from 'pg';
import {
  Customer,
  CustomerServiceService,
  ImportCustomersRequest,
  ImportCustomersResponse,
  type CreateCustomerRequest,
} from '../src/gen/customer/v1/customer';
import { toCustomer, type CustomerRow } from '../src/models/customer';
import { insertAddress } from './floor/addresses';
import { insertCustomer } from './floor/customers';
import { COLUMNS, record } from './floor/transaction';

/** The nth customer of an import, with one address. */
const rowOf = (n: number): CreateCustomerRequest =>
  ImportCustomersRequest.fromPartial({
    customer: {
      email: `import-${n}@example.com`,
      first_name: 'Anna',
      last_name: 'Jensen',
      phone: '+45 12 34 56 78',
      metadata: { source: 'import', visits: n % 100 },
      addresses: [
        {
          first_name: 'Anna',
          last_name: 'Jensen',
          address_1: `Nørregade ${n}`,
          city: 'København K',
          country_code: 'dk',
          postal_code: '1165',
        },
      ],
    },
  }).customer as CreateCustomerRequest;

/** What came of a bulk load: seconds, and how many rows were refused. */
export type Bulk = { readonly seconds: number; readonly failed: number };

const connect = (port: number): Client =>
  new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.max_receive_message_length': -1 });

/** Imports so many customers over one stream, as fast as the service takes them. */
export const importAll = async (port: number, rows: number): Promise<Bulk> => {
  const client = connect(port);
  const { path } = CustomerServiceService.importCustomers;
  const stream = client.makeBidiStreamRequest<CreateCustomerRequest, ImportCustomersResponse>(
    path,
    (customer) => Buffer.from(ImportCustomersRequest.encode(ImportCustomersRequest.fromPartial({ customer })).finish()),
    (bytes) => ImportCustomersResponse.decode(bytes),
  );
  let failed = 0;
  stream.on('data', ({ results }: ImportCustomersResponse) => {
    failed += results.filter(({ outcome }) => outcome?.$case !== 'customer').length;
  });
  const ended = new Promise<void>((resolve, reject) => {
    stream.on('error', reject);
    stream.on('end', resolve);
  });
  const from = performance.now();
  const send = async (): Promise<void> => {
    for (let n = 0; n < rows; n += 1) {
      if (!stream.write(rowOf(n))) await new Promise((resolve) => stream.once('drain', resolve));
    }
    stream.end();
  };
  await Promise.race([Promise.all([send(), ended]), ended]);
  client.close();
  return { seconds: (performance.now() - from) / 1_000, failed };
};

/** The floor of an import: a loop with a transaction a customer, and the same rows and events. */
export const importBare = async (client: Database, rows: number, seconds: number): Promise<number> => {
  const from = performance.now();
  let n = 0;
  for (; n < rows && performance.now() - from < seconds * 1_000; n += 1) {
    const customer = rowOf(n);
    await client.query('begin');
    const row = await insertCustomer(client, customer);
    const addresses = [];
    for (const address of customer.addresses) addresses.push(await insertAddress(client, row.id, address));
    await record(client, 'customer.created', undefined, row, '', { addresses });
    await client.query('commit');
  }
  return n / ((performance.now() - from) / 1_000);
};

/** How many customers a message of an export holds; decoding them would slow down what is measured. */
const count = (bytes: Uint8Array): number => {
  const reader = new BinaryReader(bytes);
  let customers = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    reader.skip(wireType);
    if (field === 1) customers += 1;
  }
  return customers;
};

/** Exports everybody; answers how many came. */
export const exportAll = async (port: number): Promise<{ readonly seconds: number; readonly customers: number }> => {
  const client = connect(port);
  const { path, requestSerialize } = CustomerServiceService.exportCustomers;
  const from = performance.now();
  const stream = client.makeServerStreamRequest(path, requestSerialize, count, { filter: undefined });
  let customers = 0;
  await new Promise<void>((resolve, reject) => {
    stream.on('error', reject);
    stream.on('end', resolve);
    stream.on('data', (some: number) => (customers += some));
  });
  client.close();
  return { seconds: (performance.now() - from) / 1_000, customers };
};

/** The floor of an export: a loop that reads a thousand at a time and encodes each, as for a file. */
export const exportBare = async (database: Database): Promise<number> => {
  const from = performance.now();
  let [customers, bytes, after] = [0, 0, ''];
  for (;;) {
    const { rows } = await database.query<CustomerRow>({
      name: 'export',
      text: `select ${COLUMNS} from customers where id > $1 and deleted_at is null order by id limit 1000`,
      values: [after],
    });
    for (const row of rows) bytes += Customer.encode(toCustomer(row)).finish().length;
    customers += rows.length;
    after = rows.at(-1)?.id ?? '';
    if (rows.length < 1_000) break;
  }
  if (bytes === 0) throw new Error('nothing to export');
  return customers / ((performance.now() - from) / 1_000);
};
