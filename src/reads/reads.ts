import DataLoader from 'dataloader';
import type { Knex } from 'knex';
import { CUSTOMER_COLUMNS, CustomerModel, type CustomerRow } from '../models/customer';
import { createAddressesOf, type AddressesOf } from './addresses';

/** Reads by key: all that are asked for in one turn of the event loop are one query. */
export type Reads = {
  /** A customer that is alive. */
  readonly customer: (id: string) => Promise<CustomerRow | undefined>;
  /** The registered customer with a folded e-mail. */
  readonly registeredByEmail: (email: string) => Promise<CustomerRow | undefined>;
  readonly addressesOf: AddressesOf;
};

/** Keys per statement: more are several statements. */
const MAX_BATCH = 1_000;

export const createReads = (knex: Knex): Reads => {
  const customers = new DataLoader<string, CustomerRow | undefined>(
    async (ids) => {
      const rows = await CustomerModel.query(knex)
        .select(...CUSTOMER_COLUMNS)
        .whereRaw('id = any(?) and deleted_at is null', [ids as string[]])
        .onBuildKnex((builder: Knex.QueryBuilder) => void builder.options({ name: 'customers_by_id' }))
        .castTo<CustomerRow[]>();
      const byId = new Map(rows.map((row) => [row.id, row]));
      return ids.map((id) => byId.get(id));
    },
    { cache: false, maxBatchSize: MAX_BATCH, batchScheduleFn: (run) => setImmediate(run) },
  );
  const registered = new DataLoader<string, CustomerRow | undefined>(
    async (emails) => {
      const rows = await CustomerModel.query(knex)
        .select(...CUSTOMER_COLUMNS)
        .whereRaw('email = any(?) and has_account and deleted_at is null', [emails as string[]])
        .onBuildKnex((builder: Knex.QueryBuilder) => void builder.options({ name: 'registered_by_email' }))
        .castTo<CustomerRow[]>();
      const byEmail = new Map(rows.map((row) => [row.email, row]));
      return emails.map((email) => byEmail.get(email));
    },
    { cache: false, maxBatchSize: MAX_BATCH, batchScheduleFn: (run) => setImmediate(run) },
  );
  return {
    customer: (id) => customers.load(id),
    registeredByEmail: (email) => registered.load(email),
    addressesOf: createAddressesOf(knex),
  };
};
