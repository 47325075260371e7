import type { Client } from 'pg';
import { customerEvent } from '../src/events/record';
import type { CustomerRow } from '../src/models/customer';

const ID = `cus_${'9'.padStart(26, '0')}`;
const TIME = new Date('2026-01-01T00:00:00.000Z');

const ROW: CustomerRow = {
  id: ID,
  email: 'anna.jensen@example.com',
  first_name: 'Anna',
  last_name: 'Jensen',
  phone: '+45 12 34 56 78',
  has_account: true,
  password_hash: null,
  password_revision: null,
  external_id: 'erp-1',
  billing_address_id: null,
  shipping_address_id: null,
  metadata: { source: 'web', tier: 'plus', visits: 3 },
  revision: 1,
  created_at: TIME,
  updated_at: TIME,
  deleted_at: null,
  erased_at: null,
  occurred_at: TIME,
};

/** Puts so many events, as the product writes them, at the end of an empty log: a new customer each. */
export const fillLog = async (client: Client, events: number): Promise<void> => {
  const origin = { actor: 'bench', request_id: null, traceparent: null };
  const nothing = {
    fields: [],
    addresses: [],
    previous_addresses: [],
    removed_address_ids: [],
    added_group_ids: [],
    removed_group_ids: [],
  };
  const { data } = customerEvent('customer.created', undefined, ROW, nothing, origin);
  await client.query(
    `insert into customer_events (position, aggregate_type, aggregate_id, revision, type, occurred_at, actor, data)
     select n, 'customer', 'cus_' || lpad(n::text, 26, '0'), 1, 'customer.created', $2, 'bench',
            replace($3, $4, 'cus_' || lpad(n::text, 26, '0'))::json
       from generate_series(1, $1::bigint) n`,
    [events, TIME, data, ID],
  );
  await client.query(`update event_cursors set position = $1 where name = 'log'`, [events]);
  await client.query('vacuum analyze customer_events');
};
