import {
  CreateCustomerResponse,
  UpdateCustomerResponse,
  type CreateCustomerRequest,
  type GetCustomerRequest,
  type GetCustomerResponse,
  type UpdateCustomerRequest,
} from '../../src/gen/customer/v1/customer';
import { toCustomer, type CustomerRow } from '../../src/models/customer';
import { fold, phoneKey, searchText } from '../../src/models/fold';
import { newId } from '../../src/models/ids';
import { COLUMNS, lock, pool, record, remember, transaction, type Connection } from './transaction';

export const getCustomer = async ({ id }: GetCustomerRequest): Promise<GetCustomerResponse> => {
  const { rows } = await pool.query<CustomerRow>({
    name: 'get',
    text: `select ${COLUMNS} from customers where id = $1 and deleted_at is null`,
    values: [id],
  });
  if (rows[0] === undefined) throw new Error('not found');
  return { customer: toCustomer(rows[0]) };
};

export const insertCustomer = async (client: Connection, request: CreateCustomerRequest): Promise<CustomerRow> => {
  const { email, first_name, last_name, phone, metadata = {} } = request;
  const { rows } = await client.query<CustomerRow>({
    name: 'create',
    text: `insert into customers (id, email, first_name, last_name, phone, phone_key, metadata, first_name_folded,
             last_name_folded, phone_folded, search_text, revision, created_at, updated_at, occurred_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12, $12) returning ${COLUMNS}`,
    values: [
      newId('cus'),
      email,
      first_name,
      last_name,
      phone,
      phoneKey(phone),
      metadata,
      fold(first_name),
      fold(last_name),
      fold(phone),
      searchText({ email, first_name, last_name, phone }),
      new Date(),
    ],
  });
  if (rows[0] === undefined) throw new Error('nothing inserted');
  return rows[0];
};

export const createCustomer = (request: CreateCustomerRequest): Promise<CreateCustomerResponse> =>
  transaction(async (client) => {
    const row = await insertCustomer(client, request);
    const reply = await remember(client, row.id, request, CreateCustomerResponse, { customer: toCustomer(row) });
    await record(client, 'customer.created', undefined, row, request.request_id, {});
    return reply;
  });

export const updateCustomer = (request: UpdateCustomerRequest): Promise<UpdateCustomerResponse> =>
  transaction(async (client) => {
    const before = await lock(client, request.id);
    const first_name = request.first_name ?? before.first_name;
    const { rows } = await client.query<CustomerRow>({
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
    const [row] = rows;
    if (row === undefined) throw new Error('nothing updated');
    const reply = await remember(client, row.id, request, UpdateCustomerResponse, { customer: toCustomer(row) });
    await record(client, 'customer.updated', before, row, request.request_id, { fields: ['first_name', 'metadata'] });
    return reply;
  });
