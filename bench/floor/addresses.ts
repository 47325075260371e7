import {
  AddAddressResponse,
  UpdateBillingAddressResponse,
  type AddAddressRequest,
  type AddressInput,
  type UpdateBillingAddressRequest,
} from '../../src/gen/customer/v1/customer';
import { ADDRESS_COLUMNS, fingerprint, toAddress, type AddressRow } from '../../src/models/address';
import { toCustomer, type CustomerRow } from '../../src/models/customer';
import { newId } from '../../src/models/ids';
import { COLUMNS, lock, record, remember, transaction, type Connection } from './transaction';

const ADDRESS = ADDRESS_COLUMNS.join(', ');
const CONTENT =
  'company, first_name, last_name, address_1, address_2, city, country_code, province, postal_code, phone';

const contentOf = (input: AddressInput) => ({
  company: input.company === '' ? null : input.company,
  first_name: input.first_name,
  last_name: input.last_name,
  address_1: input.address_1,
  address_2: input.address_2 === '' ? null : input.address_2,
  city: input.city,
  country_code: input.country_code,
  province: input.province === '' ? null : input.province,
  postal_code: input.postal_code,
  phone: input.phone === '' ? null : input.phone,
  metadata: input.metadata ?? {},
});

const addressesOf = async (client: Connection, customer_id: string): Promise<AddressRow[]> => {
  const text = `select ${ADDRESS} from addresses where customer_id = $1`;
  return (await client.query<AddressRow>({ name: 'addresses', text, values: [customer_id] })).rows;
};

export const insertAddress = async (
  client: Connection,
  customer_id: string,
  input: AddressInput,
): Promise<AddressRow> => {
  const content = contentOf(input);
  const { rows } = await client.query<AddressRow>({
    name: 'insert_address',
    text: `insert into addresses (id, customer_id, ${CONTENT}, metadata, fingerprint, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15) returning ${ADDRESS}`,
    values: [newId('addr'), customer_id, ...Object.values(content), fingerprint(content), new Date()],
  });
  if (rows[0] === undefined) throw new Error('nothing inserted');
  return rows[0];
};

const updateAddress = async (client: Connection, id: string, input: AddressInput): Promise<AddressRow> => {
  const content = contentOf(input);
  const { rows } = await client.query<AddressRow>({
    name: 'update_address',
    text: `update addresses set (${CONTENT}, metadata, fingerprint, updated_at) =
             ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) where id = $1 returning ${ADDRESS}`,
    values: [id, ...Object.values(content), fingerprint(content), new Date()],
  });
  if (rows[0] === undefined) throw new Error('nothing updated');
  return rows[0];
};

const touch = async (client: Connection, id: string, billing_address_id: string | null): Promise<CustomerRow> => {
  const { rows } = await client.query<CustomerRow>({
    name: 'touch',
    text: `update customers set billing_address_id = $2, revision = revision + 1, updated_at = $3, occurred_at = $3
            where id = $1 returning ${COLUMNS}`,
    values: [id, billing_address_id, new Date()],
  });
  if (rows[0] === undefined) throw new Error('nothing updated');
  return rows[0];
};

export const addAddress = (request: AddAddressRequest): Promise<AddAddressResponse> =>
  transaction(async (client) => {
    const { customer_id, address: input } = request;
    if (input === undefined) throw new Error('no address');
    const before = await lock(client, customer_id);
    const others = await addressesOf(client, customer_id);
    const wanted = fingerprint(contentOf(input));
    const same = others.find((address) => fingerprint(address) === wanted);
    if (same !== undefined) return { address: toAddress(same), created: false, revision: before.revision };
    const address = await insertAddress(client, customer_id, input);
    const after = await touch(client, customer_id, before.billing_address_id);
    const answer = { address: toAddress(address), created: true, revision: after.revision };
    const reply = await remember(client, customer_id, request, AddAddressResponse, answer);
    await record(client, 'customer.address_added', before, after, request.request_id, { addresses: [address] });
    return reply;
  });

export const updateBillingAddress = (request: UpdateBillingAddressRequest): Promise<UpdateBillingAddressResponse> =>
  transaction(async (client) => {
    const { customer_id, target } = request;
    if (target?.target?.$case !== 'address') throw new Error('no address');
    const input = target.target.value;
    const before = await lock(client, customer_id);
    const others = await addressesOf(client, customer_id);
    const current = others.find(({ id }) => id === before.billing_address_id);
    const address =
      current === undefined
        ? await insertAddress(client, customer_id, input)
        : await updateAddress(client, current.id, input);
    const after = await touch(client, customer_id, address.id);
    const customer = { ...toCustomer(after), billing_address: toAddress(address) };
    const reply = await remember(client, customer_id, request, UpdateBillingAddressResponse, { customer });
    await record(client, 'customer.updated', before, after, request.request_id, {
      fields: current === undefined ? ['billing_address_id'] : [],
      addresses: [address],
      previous_addresses: current === undefined ? [] : [current],
    });
    return reply;
  });
