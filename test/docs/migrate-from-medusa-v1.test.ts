import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Customer_Relation, UpdateBillingAddressRequest } from '../../src/gen/customer/v1/customer';
import { getAlpha2Codes } from 'i18n-iso-countries';
import { hasPostalCodes } from '../../src/validation/address';
import { newId } from '../../src/models/ids';
import { runCommand } from '../support/command';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { startTestService, type TestService } from '../support/service';

/** The SQL of the guide, by the name in its first line. */
const SQL = Object.fromEntries(
  [...readFileSync('docs/migrate-from-medusa-v1.md', 'utf8').matchAll(/```sql\n-- (\S+)\n([^`]*)```/g)].map(
    ([, name, sql]) => [name!, sql!],
  ),
);

/** The tables of Medusa 1.20 that matter here, as its migrations leave them. */
const MEDUSA = `
  create table customer (
    id varchar primary key, created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
    deleted_at timestamptz, email varchar not null, first_name varchar, last_name varchar, billing_address_id varchar,
    password_hash varchar, phone varchar, has_account boolean not null default false, metadata jsonb);
  create table address (
    id varchar primary key, customer_id varchar, company varchar, first_name varchar, last_name varchar,
    address_1 varchar, address_2 varchar, city varchar, country_code varchar(2), province varchar, postal_code varchar,
    phone varchar, created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
    deleted_at timestamptz, metadata jsonb);
  create table customer_group (
    id varchar primary key, created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
    deleted_at timestamptz, name varchar not null, metadata jsonb);
  create table customer_group_customers (
    customer_group_id varchar, customer_id varchar, primary key (customer_group_id, customer_id));`;

/** Made by the npm package scrypt-kdf, as Medusa does. */
const SCRYPT =
  'c2NyeXB0AAEAAAABAAAAAe8VB4e3W3qv+BRDjLwGdhvYzz7q83+/clEAYnygIV1Dvs1PjqJd2VVDZa82IsNDTHPU0HltCtTqNeo2lwNXY9FD0uR0ClG7Uoc7qXcregrI';

let test: TestService;
let medusa: TestDatabase;
let dir: string;
const ids = { account: newId('cus'), guest: newId('cus'), deleted: newId('cus'), bad: newId('cus') };
const [wholesale, gone] = [newId('cgrp'), newId('cgrp')];
const address = {
  account: newId('addr'),
  billing: newId('addr'),
  incomplete: newId('addr'),
  hongKong: newId('addr'),
  panama: newId('addr'),
  kosovo: newId('addr'),
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'medusa-'));
  [test, medusa] = await Promise.all([startTestService(), createTestDatabase()]);
  await medusa.query(MEDUSA);
  await medusa.query(
    `insert into customer (id, email, first_name, phone, has_account, password_hash, billing_address_id, deleted_at, metadata, created_at)
     values ($1, 'anna@example.com', 'Anna "A" \\ Ü', '+45 1', true, $5, $6, null, '{"vip": true, "none": null}', '2021-02-03T04:05:06.789Z'),
            ($2, 'anna@example.com', null, null, false, null, null, null, null, '2020-01-01T00:00:00Z'),
            ($3, 'deleted@example.com', null, null, false, null, null, now(), null, '2020-01-01T00:00:00Z'),
            ($4, 'no e-mail', null, null, false, null, null, null, null, '2020-01-01T00:00:00Z')`,
    [ids.account, ids.guest, ids.deleted, ids.bad, SCRYPT, address.billing],
  );
  await medusa.query(
    `insert into address (id, customer_id, first_name, last_name, address_1, city, country_code, postal_code, created_at)
     values ($1, $5, 'Anna', 'Jensen', 'Vej 1', 'Aarhus', 'dk', '8000', '2021-01-01'),
            ($2, $5, 'Anna', 'Jensen', 'Vej 2', 'Aarhus', 'dk', '8000', '2021-01-02'),
            ($3, $5, 'Anna', null, 'Vej 3', 'Aarhus', 'dk', '8000', '2021-01-03'),
            ($4, $5, 'Anna', 'Jensen', 'Road 4', 'Kowloon', 'hk', null, '2021-01-04'),
            ($6, $5, 'Anna', 'Jensen', 'Calle 5', 'Colón', 'pa', '', '2021-01-05'),
            ($7, $5, 'Anna', 'Jensen', 'Rruga 6', 'Prizren', 'xk', '20000', '2021-01-06')`,
    [
      ...[address.account, address.billing, address.incomplete, address.hongKong, ids.account],
      ...[address.panama, address.kosovo],
    ],
  );
  await medusa.query(
    `insert into customer_group (id, name, metadata, deleted_at)
     values ($1, 'Whole, "sale"', '{"discount": 5}', null), ($2, 'Gone', null, now())`,
    [wholesale, gone],
  );
  await medusa.query('insert into customer_group_customers values ($1, $3), ($2, $3)', [wholesale, gone, ids.account]);
});
afterAll(async () => {
  rmSync(dir, { recursive: true });
  await test.stop();
  await medusa.drop();
});

/** What `psql -At -f` writes. */
const linesOf = async (name: string): Promise<string[]> =>
  (await medusa.query(SQL[name]!)).map((row) => JSON.stringify(Object.values(row)[0]));

describe('The guide from Medusa v1', () => {
  it('knows the countries without postal codes', () => {
    const without = Object.keys(getAlpha2Codes())
      .map((code) => code.toLowerCase())
      .filter((code) => !hasPostalCodes(code))
      .sort();
    const lists = Object.values(SQL).flatMap((sql) => [...sql.matchAll(/\(('ae'[^)]*)\)/g)].map(([, list]) => list!));
    expect(lists).toHaveLength(2);
    for (const list of lists) expect(list.match(/[a-z]{2}/g)).toEqual(without);
  });

  it('moves customers with passwords, addresses and groups, and says what does not move', async () => {
    expect(await medusa.query(SQL['incomplete-addresses.sql']!)).toEqual([
      ...[address.incomplete, address.kosovo].sort().map((id) => ({ id, customer_id: ids.account })),
    ]);

    await medusa.query(SQL['group-map.sql']!);
    const groups = await linesOf('groups.sql');
    for (const line of [...groups, ...groups]) {
      const { customer_group } = await test.client.call('createCustomerGroup', JSON.parse(line));
      await medusa.query('insert into customer_service_groups values ($1, $2)', [
        customer_group!.name,
        customer_group!.id,
      ]);
    }

    const [file, rejects] = [join(dir, 'customers.jsonl'), join(dir, 'rejects.jsonl')];
    writeFileSync(file, `${(await linesOf('customers.sql')).join('\n')}\n`);
    const target = `127.0.0.1:${test.service.port}`;
    const ran = await runCommand('src/bin/import.ts', ['--target', target, '--file', file, '--rejects', rejects]);
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining('2 imported, 1 refused') });
    expect(readFileSync(rejects, 'utf8')).toContain(ids.bad);

    for (const line of await linesOf('billing-addresses.sql')) {
      await test.client.call('updateBillingAddress', UpdateBillingAddressRequest.fromJSON(JSON.parse(line)));
    }

    expect(await medusa.query(SQL['counts.sql']!)).toEqual([{ customers: '3', registered: '1' }]);
    expect(await test.database.query('select has_account from customers order by has_account')).toEqual([
      { has_account: false },
      { has_account: true },
    ]);
    const expand = [
      Customer_Relation.RELATION_ADDRESSES,
      Customer_Relation.RELATION_BILLING_ADDRESS,
      Customer_Relation.RELATION_GROUPS,
    ];
    const { customer } = await test.client.call('getCustomer', { id: ids.account, expand });
    expect(customer).toMatchObject({
      email: 'anna@example.com',
      first_name: 'Anna "A" \\ Ü',
      phone: '+45 1',
      has_account: true,
      metadata: { vip: true, none: null },
      created_at: { seconds: 1_612_325_106, nanos: 789_000_000 },
      billing_address: { address_1: 'Vej 2' },
      groups: [{ name: 'Whole, "sale"', metadata: { discount: 5 } }],
    });
    expect(customer!.addresses.map(({ address_1 }) => address_1)).toEqual(['Vej 1', 'Vej 2', 'Road 4', 'Calle 5']);
    const login = { email: 'Anna@example.com', password: 'medusa password' };
    expect(await test.client.call('authenticateCustomer', login)).toMatchObject({ authenticated: true });
  });
});
