import type { Knex } from 'knex';
import { groupedBy } from '../db/grouped-by';
import { statement } from '../db/statement';
import { anyOf, sqlOf, type Query } from '../db/sql-of';
import { CUSTOMER_COLUMNS, CustomerModel, type CustomerRow } from '../models/customer';
import { CustomerGroupModel, GROUP_COLUMNS, type GroupRow } from '../models/customer-group';
import { perTurn } from './per-turn';

/** Reads of those alive by what names them: all that are asked for in one turn of the event loop are one query. */
export type ByKey = {
  readonly customer: (id: string) => Promise<CustomerRow | undefined>;
  /** None, one or two customers with a folded e-mail, the registered one first. */
  readonly customersByEmail: (email: string) => Promise<readonly CustomerRow[]>;
  readonly registeredByEmail: (email: string) => Promise<CustomerRow | undefined>;
  /** Of several with one phoneKey the registered one, then the oldest. */
  readonly customerByPhone: (phone_key: string) => Promise<CustomerRow | undefined>;
  readonly customerByExternalId: (external_id: string) => Promise<CustomerRow | undefined>;
  readonly group: (id: string) => Promise<GroupRow | undefined>;
};

const COLUMNS = CUSTOMER_COLUMNS.join(', ');

const aliveBy = (column: keyof CustomerRow) => (query: Query) =>
  query
    .select(...CUSTOMER_COLUMNS)
    .whereRaw(...anyOf(column))
    .whereNull('deleted_at');

const CUSTOMERS_BY_EMAIL = sqlOf(CustomerModel, aliveBy('email'));

const registeredFirst = (a: CustomerRow, b: CustomerRow): number => Number(b.has_account) - Number(a.has_account);

export const createByKey = (knex: Knex): ByKey => {
  /** The one row that each key names. */
  const one = <Row>(name: string, sql: string, keyOf: (row: Row) => string | null) =>
    perTurn<string, Row | undefined>(async (keys) => {
      const { rows } = await statement<Row>(knex, name, sql, [keys]);
      const byKey = new Map(rows.map((row) => [keyOf(row), row]));
      return keys.map((key) => byKey.get(key));
    });

  const customersByEmail = perTurn<string, readonly CustomerRow[]>(async (emails) => {
    const { rows } = await statement<CustomerRow>(knex, 'customers_by_email', CUSTOMERS_BY_EMAIL, [emails]);
    return emails.map(groupedBy(rows.sort(registeredFirst), (row) => row.email));
  });

  // Limited a key, because one number may belong to very many.
  const customerByPhone = one<CustomerRow & { readonly key: string }>(
    'customers_by_phone',
    `select keys.key, found.*
       from unnest(?::text[]) as keys (key)
      cross join lateral (
        select ${COLUMNS} from customers
         where phone_key = keys.key and phone_key is not null and deleted_at is null
         order by has_account desc, created_at, id limit 1) as found`,
    (row) => row.key,
  );

  // Deleted ones too: a condition beyond the key would let a plan made for an empty table take another index, see plans.test.ts.
  const customer = one<CustomerRow>(
    'customers_by_id',
    sqlOf(CustomerModel, (query) => query.select(...CUSTOMER_COLUMNS).whereRaw(...anyOf('id'))),
    (row) => row.id,
  );

  return {
    customersByEmail,
    customerByPhone,
    registeredByEmail: async (email) => (await customersByEmail(email)).find((row) => row.has_account),
    customer: async (id) => {
      const row = await customer(id);
      return row?.deleted_at === null ? row : undefined;
    },
    customerByExternalId: one<CustomerRow>(
      'customers_by_external_id',
      sqlOf(CustomerModel, aliveBy('external_id')),
      (row) => row.external_id,
    ),
    group: one<GroupRow>(
      'groups_by_id',
      sqlOf(CustomerGroupModel, (query) => query.select(...GROUP_COLUMNS).whereRaw(...anyOf('id'))),
      (row) => row.id,
    ),
  };
};
