import { createHmac } from 'node:crypto';
import {
  Server,
  ServerCredentials,
  status,
  type handleUnaryCall,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { Pool, type PoolClient } from 'pg';
import { ulid } from 'ulid';
import {
  CreateCustomerResponse,
  CustomerServiceService,
  UpdateCustomerResponse,
  type CreateCustomerRequest,
  type Customer,
  type GetCustomerRequest,
  type GetCustomerResponse,
  type UpdateCustomerRequest,
} from '../src/gen/customer/v1/customer';
import { customerEvent } from '../src/events/record';
import { toCustomer, type CustomerRow } from '../src/models/customer';
import { fold, searchText } from '../src/models/fold';

/**
 * The floor: what a careful engineer writes by hand with grpc-js and pg alone. One transaction per call, named
 * statements, a pool of 10, the same rows and indexes, an idempotency row, the same event row; no validation at all.
 */
const pool = new Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });

const COLUMNS = `id, email, first_name, last_name, phone, has_account, password_hash, password_revision, external_id,
  billing_address_id, shipping_address_id, metadata, revision, created_at, updated_at, deleted_at, erased_at, occurred_at`;

const transaction = async <Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> => {
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

const record = async (client: PoolClient, row: CustomerRow, before: CustomerRow | undefined, request_id: string) => {
  const event = customerEvent(
    before === undefined ? 'customer.created' : 'customer.updated',
    before,
    row,
    {
      fields: before === undefined ? [] : ['first_name', 'metadata'],
      addresses: [],
      previous_addresses: [],
      removed_address_ids: [],
      added_group_ids: [],
      removed_group_ids: [],
    },
    { actor: null, request_id, traceparent: null },
  );
  await client.query({
    name: 'outbox',
    text: `insert into customer_outbox (aggregate_type, aggregate_id, revision, type, occurred_at, request_id, data)
           values ('customer', $1, $2, $3, $4, $5, $6)`,
    values: [row.id, row.revision, event.type, event.occurred_at, request_id, event.data],
  });
};

/** Answers of the first call are kept; a repeat would be answered from here. */
const remember = async (client: PoolClient, id: string, request: { request_id: string }, reply: Uint8Array) => {
  const hash = createHmac('sha256', 'floor').update(JSON.stringify(request)).digest();
  await client.query({
    name: 'remember',
    text: `insert into idempotency_keys (caller, request_id, request_hash, customer_ids, response)
           values ('', $1, $2, $3, $4)`,
    values: [request.request_id, hash, [id], reply],
  });
};

const isRepeat = async (client: PoolClient, request_id: string): Promise<boolean> => {
  const { rowCount } = await client.query({
    name: 'is_repeat',
    text: `select request_hash, response from idempotency_keys where caller = '' and request_id = $1`,
    values: [request_id],
  });
  return rowCount === 1;
};

const getCustomer = async ({ id }: GetCustomerRequest): Promise<GetCustomerResponse> => {
  const { rows } = await pool.query<CustomerRow>({
    name: 'get',
    text: `select ${COLUMNS} from customers where id = $1 and deleted_at is null`,
    values: [id],
  });
  if (rows[0] === undefined) throw new Error('not found');
  return { customer: toCustomer(rows[0]) };
};

const createCustomer = (request: CreateCustomerRequest): Promise<CreateCustomerResponse> =>
  transaction(async (client) => {
    if (await isRepeat(client, request.request_id)) throw new Error('repeated');
    const { email, first_name, last_name, phone, metadata = {} } = request;
    const now = new Date();
    const { rows } = await client.query<CustomerRow>({
      name: 'create',
      text: `insert into customers (id, email, first_name, last_name, phone, phone_key, metadata, first_name_folded,
               last_name_folded, search_text, revision, created_at, updated_at, occurred_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11, $11) returning ${COLUMNS}`,
      values: [
        `cus_${ulid()}`,
        email,
        first_name,
        last_name,
        phone,
        phone,
        metadata,
        fold(first_name),
        fold(last_name),
        searchText({ email, first_name, last_name, phone }),
        now,
      ],
    });
    const [row] = rows;
    if (row === undefined) throw new Error('nothing inserted');
    const reply = { customer: toCustomer(row) };
    await remember(client, row.id, request, CreateCustomerResponse.encode(reply).finish());
    await record(client, row, undefined, request.request_id);
    return reply;
  });

const updateCustomer = (request: UpdateCustomerRequest): Promise<UpdateCustomerResponse> =>
  transaction(async (client) => {
    const { rows } = await client.query<CustomerRow>({
      name: 'lock',
      text: `select ${COLUMNS} from customers where id = $1 and deleted_at is null for no key update`,
      values: [request.id],
    });
    const [before] = rows;
    if (before === undefined) throw new Error('not found');
    if (await isRepeat(client, request.request_id)) throw new Error('repeated');
    const first_name = request.first_name ?? before.first_name;
    const { rows: updated } = await client.query<CustomerRow>({
      name: 'update',
      text: `update customers set first_name = $2, first_name_folded = $3, search_text = $4, metadata = $5,
               revision = revision + 1, updated_at = $6, occurred_at = $6 where id = $1 returning ${COLUMNS}`,
      values: [
        request.id,
        first_name,
        fold(first_name ?? ''),
        searchText({ ...before, first_name }),
        { ...before.metadata, ...request.metadata },
        new Date(),
      ],
    });
    const [row] = updated;
    if (row === undefined) throw new Error('nothing updated');
    const reply = { customer: toCustomer(row) };
    await remember(client, row.id, request, UpdateCustomerResponse.encode(reply).finish());
    await record(client, row, before, request.request_id);
    return reply;
  });

const unary =
  <Request, Response extends { customer: Customer | undefined }>(
    handler: (request: Request) => Promise<Response>,
  ): handleUnaryCall<Request, Response> =>
  (call, callback: sendUnaryData<Response>) => {
    handler(call.request).then(
      (response) => callback(null, response),
      (error: unknown) => callback({ code: status.INTERNAL, details: String(error) }),
    );
  };

const implementation: UntypedServiceImplementation = {
  getCustomer: unary(getCustomer),
  createCustomer: unary(createCustomer),
  updateCustomer: unary(updateCustomer),
  deleteCustomer: unary(() => Promise.reject(new Error('not part of the floor'))),
};

const server = new Server();
server.addService(CustomerServiceService, implementation);
server.bindAsync(`127.0.0.1:${process.env['PORT'] ?? '0'}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
});
process.on('SIGTERM', () => process.exit(0));
