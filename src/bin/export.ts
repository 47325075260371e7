import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import {
  Customer_Relation,
  CustomerFilter,
  type Address,
  type Customer,
  type CustomerServiceClient,
} from '../gen/customer/v1/customer';
import type { Timestamp } from '../gen/google/protobuf/timestamp';
import { batchGetCustomers, connect, describe } from '../grpc/client';
import { readFlags, TARGET_FLAGS, TARGET_USAGE, targetOf, UsageError } from './arguments';
import { createProgress } from './progress';
import { messageOf } from '../errors';

const USAGE = `Usage: node dist/bin/export.js [--file FILE] [options]

Exports customers as JSONL, by id: one Customer a line, the names of the proto, times in RFC 3339. Says the position of
the log from which WatchEvents goes on with what the rows do not contain.

  --file FILE          output, complete or not there at all (default: standard output)
  --position-file FILE the position, for a program to read
  --filter JSON        a customer.v1.CustomerFilter with the names of the proto: '{"has_account":true}'
  --for-import         lines that import.js takes: with id, addresses, groups and created_at, without what an import
                       cannot set: passwords never leave the service, so that everybody becomes a guest;
                       billing and shipping address, revision, updated_at
${TARGET_USAGE}

Exit code: 0 all out, 1 failed.
`;

const FLAGS = {
  ...TARGET_FLAGS,
  file: { type: 'string' },
  'position-file': { type: 'string' },
  filter: { type: 'string' },
  'for-import': { type: 'boolean', default: false },
} as const;

const iso = (time: Timestamp | undefined): string | undefined =>
  time && new Date(time.seconds * 1_000 + time.nanos / 1_000_000).toISOString();

/** A Customer as JSON; relations are not exported. */
const customerLine = ({
  addresses: _,
  billing_address: _b,
  shipping_address: _s,
  groups: _g,
  ...customer
}: Customer) => ({
  ...customer,
  created_at: iso(customer.created_at),
  updated_at: iso(customer.updated_at),
  deleted_at: iso(customer.deleted_at),
});

const addressInput = ({ id: _, customer_id: _c, created_at: _n, updated_at: _u, ...content }: Address) => content;

/** A row of ImportCustomers that makes the customer again, as far as that goes. */
const importLine = ({ id, email, first_name, last_name, phone, external_id, metadata, ...customer }: Customer) => ({
  customer: {
    ...{ id, email, first_name, last_name, phone, external_id, metadata },
    addresses: customer.addresses.map(addressInput),
  },
  created_at: iso(customer.created_at),
  group_ids: customer.groups.map((group) => group.id),
});

const filterOf = (text: string | undefined): CustomerFilter | undefined => {
  if (text === undefined) return undefined;
  try {
    return CustomerFilter.fromJSON(JSON.parse(text));
  } catch (error) {
    throw new UsageError(`--filter: ${messageOf(error)}`, { cause: error });
  }
};

type Flags = ReturnType<typeof readFlags<typeof FLAGS>>;

const RELATIONS = [Customer_Relation.RELATION_ADDRESSES, Customer_Relation.RELATION_GROUPS];

/** The lines of what one message holds. */
const linesFor = async (client: CustomerServiceClient, customers: Customer[], flags: Flags): Promise<string[]> => {
  const values: readonly object[] = flags['for-import']
    ? (await batchGetCustomers(client, { ids: customers.map(({ id }) => id), expand: RELATIONS })).map(importLine)
    : customers.map(customerLine);
  return values.map((value) => `${JSON.stringify(value)}\n`);
};

const run = async (flags: Flags, signal: AbortSignal): Promise<void> => {
  const filter = filterOf(flags.filter);
  const client = connect(targetOf(flags));
  const partial = flags.file === undefined ? undefined : `${flags.file}.partial`;
  const output = partial === undefined ? process.stdout : createWriteStream(partial);
  const progress = createProgress(process.stderr);
  let written = 0;
  let position = '0';
  const stream = client.exportCustomers({ filter });
  const cancel = (): void => stream.cancel();
  signal.addEventListener('abort', cancel);
  try {
    for await (const message of stream as AsyncIterable<{ customers: Customer[]; position: string }>) {
      position = message.position;
      if (message.customers.length === 0) continue;
      const lines = await linesFor(client, message.customers, flags);
      if (!output.write(lines.join(''))) await once(output, 'drain');
      written += lines.length;
      progress.show(() => `${written} customers`);
    }
    if (partial !== undefined && flags.file !== undefined) {
      output.end();
      await finished(output);
      await rename(partial, flags.file);
    }
    if (flags['position-file'] !== undefined) await writeFile(flags['position-file'], `${position}\n`);
  } catch (error) {
    if (partial !== undefined) await rm(partial, { force: true });
    throw error;
  } finally {
    client.close();
    progress.clear();
  }
  process.stderr.write(`${written} customers exported; the log goes on after position ${position}\n`);
};

const main = async (): Promise<number> => {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error('interrupted')));
  try {
    const flags = readFlags(process.argv.slice(2), FLAGS);
    if (flags.help) process.stdout.write(USAGE);
    else await run(flags, stop.signal);
    return 0;
  } catch (error) {
    process.stderr.write(`${describe(stop.signal.aborted ? stop.signal.reason : error)}\n`);
    if (error instanceof UsageError) process.stderr.write(`\n${USAGE}`);
    return 1;
  }
};

void main().then((code) => {
  process.exitCode = code;
});
