/** Customers, their relations, the event log and what makes changes idempotent. */
export const up = `
create extension if not exists pg_trgm;

create table customers (
  id                  text collate "C" constraint customers_pkey primary key,
  email               text collate "C",
  first_name          text,
  last_name           text,
  phone               text,
  phone_key           text collate "C",
  has_account         boolean not null default false,
  password_hash       text,
  password_revision   integer,
  external_id         text collate "C",
  billing_address_id  text collate "C",
  shipping_address_id text collate "C",
  metadata            jsonb not null default '{}',
  first_name_folded   text collate "C" not null default '',
  last_name_folded    text collate "C" not null default '',
  phone_folded        text collate "C" not null default '',
  search_text         text collate "C" not null default '',
  revision            integer not null,
  created_at          timestamptz(3) not null,
  updated_at          timestamptz(3) not null,
  deleted_at          timestamptz(3),
  erased_at           timestamptz(3),
  occurred_at         timestamptz(3) not null,
  constraint customers_email_present check (email is not null or erased_at is not null),
  constraint customers_account_has_password check (not has_account or password_hash is not null or erased_at is not null)
) with (fillfactor = 90);

create unique index customers_email_has_account_key on customers (email, has_account) where deleted_at is null;
create unique index customers_external_id_key on customers (external_id) where deleted_at is null;
create index customers_phone_key_idx on customers (phone_key, has_account desc, created_at, id) where deleted_at is null and phone_key is not null;
create index customers_created_at_idx on customers (created_at, id) where deleted_at is null;
create index customers_has_account_created_at_idx on customers (has_account, created_at, id) where deleted_at is null;
create index customers_updated_at_idx on customers (updated_at, id) where deleted_at is null;
create index customers_first_name_idx on customers (first_name_folded, id) where deleted_at is null;
create index customers_last_name_idx on customers (last_name_folded, id) where deleted_at is null;
create index customers_search_idx on customers using gin (
  search_text gin_trgm_ops, email gin_trgm_ops, first_name_folded gin_trgm_ops, last_name_folded gin_trgm_ops, phone_folded gin_trgm_ops
) where deleted_at is null;
create index customers_metadata_idx on customers using gin (metadata jsonb_path_ops) where deleted_at is null;

-- The same for the deleted, who can be listed and searched too; a change of one alive writes none of these.
create index customers_deleted_email_idx on customers (email, id) where deleted_at is not null and erased_at is null;
create index customers_deleted_external_id_idx on customers (external_id) where deleted_at is not null and erased_at is null;
create index customers_deleted_phone_key_idx on customers (phone_key) where deleted_at is not null and erased_at is null;
create index customers_deleted_created_at_idx on customers (created_at, id) where deleted_at is not null and erased_at is null;
create index customers_deleted_has_account_created_at_idx on customers (has_account, created_at, id) where deleted_at is not null and erased_at is null;
create index customers_deleted_updated_at_idx on customers (updated_at, id) where deleted_at is not null and erased_at is null;
create index customers_deleted_at_idx on customers (deleted_at, id) where deleted_at is not null and erased_at is null;
create index customers_deleted_first_name_idx on customers (first_name_folded, id) where deleted_at is not null and erased_at is null;
create index customers_deleted_last_name_idx on customers (last_name_folded, id) where deleted_at is not null and erased_at is null;
create index customers_deleted_search_idx on customers using gin (
  search_text gin_trgm_ops, email gin_trgm_ops, first_name_folded gin_trgm_ops, last_name_folded gin_trgm_ops, phone_folded gin_trgm_ops
) where deleted_at is not null and erased_at is null;
create index customers_deleted_metadata_idx on customers using gin (metadata jsonb_path_ops) where deleted_at is not null and erased_at is null;

create table addresses (
  id           text collate "C" constraint addresses_pkey primary key,
  customer_id  text collate "C" not null constraint addresses_customer_id_fkey references customers (id),
  company      text,
  first_name   text not null,
  last_name    text not null,
  address_1    text not null,
  address_2    text,
  city         text not null,
  country_code text not null,
  province     text,
  postal_code  text,
  phone        text,
  metadata     jsonb not null default '{}',
  fingerprint  text collate "C" not null,
  created_at   timestamptz(3) not null,
  updated_at   timestamptz(3) not null
);
create unique index addresses_customer_id_fingerprint_key on addresses (customer_id, fingerprint);

create table customer_groups (
  id         text collate "C" constraint customer_groups_pkey primary key,
  name       text collate "C" not null,
  name_folded text collate "C" not null,
  metadata   jsonb not null default '{}',
  revision   integer not null,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null
);
create unique index customer_groups_name_key on customer_groups (name);
create index customer_groups_name_folded_idx on customer_groups using gin (name_folded gin_trgm_ops);

create table customer_group_members (
  group_id    text collate "C" not null,
  customer_id text collate "C" not null constraint customer_group_members_customer_id_fkey references customers (id),
  created_at  timestamptz(3) not null,
  constraint customer_group_members_pkey primary key (group_id, customer_id)
);
create index customer_group_members_customer_id_idx on customer_group_members (customer_id);
create index customer_group_members_created_at_idx on customer_group_members (group_id, created_at, customer_id);

create table removed_groups (
  id text collate "C" constraint removed_groups_pkey primary key
);

create table customer_outbox (
  id             bigint generated always as identity constraint customer_outbox_pkey primary key,
  aggregate_type text not null,
  aggregate_id   text collate "C" not null,
  revision       integer not null,
  type           text not null,
  occurred_at    timestamptz(3) not null,
  actor          text,
  request_id     text,
  traceparent    text,
  data           json not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

create table customer_events (
  position       bigint constraint customer_events_pkey primary key,
  aggregate_type text not null,
  aggregate_id   text collate "C" not null,
  revision       integer not null,
  type           text not null,
  occurred_at    timestamptz(3) not null,
  actor          text,
  request_id     text,
  traceparent    text,
  data           json not null
);
create unique index customer_events_aggregate_id_revision_key on customer_events (aggregate_id, revision);

create table event_cursors (
  name        text constraint event_cursors_pkey primary key,
  position    bigint not null default 0,
  epoch       bigint not null default 0,
  leader      text,
  lease_until timestamptz
);
insert into event_cursors (name) values ('log'), ('kafka'), ('kafka-state');

create table event_dead_letters (
  sink        text not null,
  position    bigint not null,
  aggregate_id text collate "C" not null,
  reason      text not null,
  parked_at   timestamptz(3) not null default now(),
  constraint event_dead_letters_pkey primary key (sink, position)
);

create table event_replays (
  id             text collate "C" constraint event_replays_pkey primary key,
  after_position bigint not null,
  until_position bigint not null,
  position       bigint not null,
  finished_at    timestamptz(3)
);

create table login_counters (
  key          bytea constraint login_counters_pkey primary key,
  email_key    bytea not null,
  failures     integer not null default 0,
  locks        integer not null default 0,
  locked_until timestamptz,
  updated_at   timestamptz not null default now()
);
create index login_counters_email_key_idx on login_counters (email_key);
create index login_counters_updated_at_idx on login_counters (updated_at);

create table idempotency_keys (
  caller       text not null,
  request_id   text not null,
  request_hash bytea not null,
  customer_ids text[] collate "C" not null default '{}',
  response     bytea,
  created_at   timestamptz(3) not null default now(),
  constraint idempotency_keys_pkey primary key (caller, request_id)
);
create index idempotency_keys_created_at_idx on idempotency_keys (created_at);
create index idempotency_keys_customer_ids_idx on idempotency_keys using gin (customer_ids);
`;
