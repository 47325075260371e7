import { createHmac } from 'node:crypto';
import { Pool, type PoolClient } from 'pg';
import type { CustomerEventType } from '../../src/events/catalogue';
import type { Difference } from '../../src/events/changed-fields';
import { customerEvent } from '../../src/events/record';
import { CUSTOMER_COLUMNS, type CustomerRow } from '../../src/models/customer';

export const pool = new Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });

/** A connection, of the pool or not. */
export type Connection = Pick<PoolClient, 'query'>;

export const COLUMNS = CUSTOMER_COLUMNS.join(', ');

export const transaction = async <Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> => {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
};

export const lock = async (client: Connection, id: string): Promise<CustomerRow> => {
  const { rows } = await client.query<CustomerRow>({
    name: 'lock',
    text: `select ${COLUMNS} from customers where id = $1 and deleted_at is null for no key update`,
    values: [id],
  });
  if (rows[0] === undefined) throw new Error('not found');
  return rows[0];
};

type Answer<Reply> = { readonly encode: (reply: Reply) => { finish: () => Uint8Array } };

/** Keeps the answer under its request_id; the primary key refuses a repeat. */
export const remember = async <Reply>(
  client: Connection,
  id: string,
  request: { readonly request_id: string },
  codec: Answer<Reply>,
  reply: Reply,
): Promise<Reply> => {
  await client.query({
    name: 'remember',
    text: `insert into idempotency_keys (caller, request_id, request_hash, customer_ids, response)
           values ('', $1, $2, $3, $4)`,
    values: [
      request.request_id,
      createHmac('sha256', 'floor').update(JSON.stringify(request)).digest(),
      [id],
      codec.encode(reply).finish(),
    ],
  });
  return reply;
};

const NOTHING: Difference = {
  fields: [],
  addresses: [],
  previous_addresses: [],
  removed_address_ids: [],
  added_group_ids: [],
  removed_group_ids: [],
};

/** The same event as the product's. */
export const record = async (
  client: Connection,
  type: CustomerEventType,
  before: CustomerRow | undefined,
  after: CustomerRow,
  request_id: string,
  difference: Partial<Difference>,
): Promise<void> => {
  const origin = { actor: null, request_id, traceparent: null };
  const event = customerEvent(type, before, after, { ...NOTHING, ...difference }, origin);
  await client.query({
    name: 'record',
    text: `insert into customer_outbox (aggregate_type, aggregate_id, revision, type, occurred_at, request_id, data)
           values ('customer', $1, $2, $3, $4, $5, $6)`,
    values: [after.id, after.revision, type, event.occurred_at, request_id, event.data],
  });
};
