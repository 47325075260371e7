-- What the migrations make, written by `npm run schema`: to be read, never to be edited or run.

create extension pg_trgm;

CREATE OR REPLACE FUNCTION public.day_of(at timestamp with time zone)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (date_part('day'::text, (GREATEST(LEAST(at, '2100-01-01 00:00:00+00'::timestamp with time zone), '2000-01-01 00:00:00+00'::timestamp with time zone) - '2000-01-01 00:00:00+00'::timestamp with time zone)))::integer;

CREATE OR REPLACE FUNCTION public.periods_of(at timestamp with time zone)
 RETURNS integer[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ARRAY[day_of(at), (40000 + (day_of(at) / 32)), (50000 + (day_of(at) / 1024))];

create table addresses (
  id text collate "C" not null,
  customer_id text collate "C" not null,
  company text,
  first_name text not null,
  last_name text not null,
  address_1 text not null,
  address_2 text,
  city text not null,
  country_code text not null,
  province text,
  postal_code text,
  phone text,
  metadata jsonb default '{}'::jsonb not null,
  fingerprint text collate "C" not null,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  constraint addresses_pkey PRIMARY KEY (id),
  constraint addresses_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id)
);
CREATE UNIQUE INDEX addresses_customer_id_fingerprint_key ON public.addresses USING btree (customer_id, fingerprint);

create table customer_events (
  "position" bigint not null,
  aggregate_type text not null,
  aggregate_id text collate "C" not null,
  revision integer not null,
  type text not null,
  occurred_at timestamp(3) with time zone not null,
  actor text,
  request_id text,
  traceparent text,
  data json not null,
  constraint customer_events_pkey PRIMARY KEY ("position")
);
CREATE UNIQUE INDEX customer_events_aggregate_id_revision_key ON public.customer_events USING btree (aggregate_id, revision);

create table customer_group_members (
  group_id text collate "C" not null,
  customer_id text collate "C" not null,
  created_at timestamp(3) with time zone not null,
  constraint customer_group_members_pkey PRIMARY KEY (group_id, customer_id),
  constraint customer_group_members_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id)
);
CREATE INDEX customer_group_members_created_at_idx ON public.customer_group_members USING btree (group_id, created_at, customer_id);
CREATE INDEX customer_group_members_customer_id_idx ON public.customer_group_members USING btree (customer_id);

create table customer_groups (
  id text collate "C" not null,
  name text collate "C" not null,
  name_folded text collate "C" not null,
  metadata jsonb default '{}'::jsonb not null,
  revision integer not null,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  constraint customer_groups_pkey PRIMARY KEY (id)
);
CREATE INDEX customer_groups_name_folded_idx ON public.customer_groups USING gin (name_folded gin_trgm_ops);
CREATE UNIQUE INDEX customer_groups_name_key ON public.customer_groups USING btree (name);

create table customer_outbox (
  id bigint generated always as identity not null,
  aggregate_type text not null,
  aggregate_id text collate "C" not null,
  revision integer not null,
  type text not null,
  occurred_at timestamp(3) with time zone not null,
  actor text,
  request_id text,
  traceparent text,
  data json not null,
  constraint customer_outbox_pkey PRIMARY KEY (id)
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000);

create table customers (
  id text collate "C" not null,
  email text collate "C",
  first_name text,
  last_name text,
  phone text,
  phone_key text collate "C",
  has_account boolean default false not null,
  password_hash text,
  password_revision integer,
  external_id text collate "C",
  billing_address_id text collate "C",
  shipping_address_id text collate "C",
  metadata jsonb default '{}'::jsonb not null,
  first_name_folded text collate "C" default ''::text not null,
  last_name_folded text collate "C" default ''::text not null,
  phone_folded text collate "C" default ''::text not null,
  search_text text collate "C" default ''::text not null,
  revision integer not null,
  created_at timestamp(3) with time zone not null,
  updated_at timestamp(3) with time zone not null,
  deleted_at timestamp(3) with time zone,
  erased_at timestamp(3) with time zone,
  occurred_at timestamp(3) with time zone not null,
  constraint customers_pkey PRIMARY KEY (id),
  constraint customers_account_has_password CHECK (((NOT has_account) OR (password_hash IS NOT NULL) OR (erased_at IS NOT NULL))),
  constraint customers_email_present CHECK (((email IS NOT NULL) OR (erased_at IS NOT NULL)))
) with (fillfactor=90);
CREATE INDEX customers_created_at_idx ON public.customers USING btree (created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX customers_deleted_at_idx ON public.customers USING btree (deleted_at, id) WHERE ((deleted_at IS NOT NULL) AND (erased_at IS NULL));
CREATE INDEX customers_deleted_created_at_idx ON public.customers USING btree (created_at, id) WHERE ((deleted_at IS NOT NULL) AND (erased_at IS NULL));
CREATE INDEX customers_deleted_email_idx ON public.customers USING btree (email, id) WHERE ((deleted_at IS NOT NULL) AND (erased_at IS NULL));
CREATE INDEX customers_deleted_external_id_idx ON public.customers USING btree (external_id) WHERE ((deleted_at IS NOT NULL) AND (erased_at IS NULL));
CREATE INDEX customers_deleted_first_name_idx ON public.customers USING btree (first_name_folded, id) WHERE ((deleted_at IS NOT NULL) AND (erased_at IS NULL));
CREATE INDEX customers_deleted_has_account_created_at_idx ON public.customers USING btree (has_account, created_at, id) WHERE ((deleted_at IS NOT NULL) AND (erased_at IS NULL));
CREATE INDEX customers_deleted_last_name_idx ON public.customers USING btree (last_name_folded, id) WHERE ((deleted_at IS NOT NULL) AND (erased_at IS NULL));
CREATE INDEX customers_deleted_metadata_idx ON public.customers USING gin (metadata jsonb_path_ops, periods_of(created_at)) WHERE ((deleted_at IS NOT NULL) AND (erased_at IS NULL));
CREATE INDEX customers_deleted_phone_key_idx ON public.customers USING btree (phone_key) WHERE ((deleted_at IS NOT NULL) AND (erased_at IS NULL));
CREATE INDEX customers_deleted_search_idx ON public.customers USING gin (search_text gin_trgm_ops, email gin_trgm_ops, first_name_folded gin_trgm_ops, last_name_folded gin_trgm_ops, phone_folded gin_trgm_ops, periods_of(created_at)) WHERE ((deleted_at IS NOT NULL) AND (erased_at IS NULL));
CREATE INDEX customers_deleted_updated_at_idx ON public.customers USING btree (updated_at, id) WHERE ((deleted_at IS NOT NULL) AND (erased_at IS NULL));
CREATE UNIQUE INDEX customers_email_has_account_key ON public.customers USING btree (email, has_account) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX customers_external_id_key ON public.customers USING btree (external_id) WHERE (deleted_at IS NULL);
CREATE INDEX customers_first_name_idx ON public.customers USING btree (first_name_folded, id) WHERE (deleted_at IS NULL);
CREATE INDEX customers_has_account_created_at_idx ON public.customers USING btree (has_account, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX customers_last_name_idx ON public.customers USING btree (last_name_folded, id) WHERE (deleted_at IS NULL);
CREATE INDEX customers_metadata_idx ON public.customers USING gin (metadata jsonb_path_ops, periods_of(created_at)) WHERE (deleted_at IS NULL);
CREATE INDEX customers_phone_key_idx ON public.customers USING btree (phone_key, has_account DESC, created_at, id) WHERE ((deleted_at IS NULL) AND (phone_key IS NOT NULL));
CREATE INDEX customers_search_idx ON public.customers USING gin (search_text gin_trgm_ops, email gin_trgm_ops, first_name_folded gin_trgm_ops, last_name_folded gin_trgm_ops, phone_folded gin_trgm_ops, periods_of(created_at)) WHERE (deleted_at IS NULL);
CREATE INDEX customers_updated_at_idx ON public.customers USING btree (updated_at, id) WHERE (deleted_at IS NULL);

create table event_cursors (
  name text not null,
  "position" bigint default 0 not null,
  epoch bigint default 0 not null,
  leader text,
  lease_until timestamp with time zone,
  constraint event_cursors_pkey PRIMARY KEY (name)
);

create table event_dead_letters (
  sink text not null,
  "position" bigint not null,
  aggregate_id text collate "C" not null,
  reason text not null,
  parked_at timestamp(3) with time zone default now() not null,
  constraint event_dead_letters_pkey PRIMARY KEY (sink, "position")
);

create table event_replays (
  id text collate "C" not null,
  after_position bigint not null,
  until_position bigint not null,
  "position" bigint not null,
  finished_at timestamp(3) with time zone,
  constraint event_replays_pkey PRIMARY KEY (id)
);

create table idempotency_keys (
  caller text not null,
  request_id text not null,
  request_hash bytea not null,
  customer_ids text[] collate "C" default '{}'::text[] not null,
  response bytea,
  created_at timestamp(3) with time zone default now() not null,
  constraint idempotency_keys_pkey PRIMARY KEY (caller, request_id)
);
CREATE INDEX idempotency_keys_created_at_idx ON public.idempotency_keys USING btree (created_at);
CREATE INDEX idempotency_keys_customer_ids_idx ON public.idempotency_keys USING gin (customer_ids);

create table login_counters (
  key bytea not null,
  email_key bytea not null,
  failures integer default 0 not null,
  locks integer default 0 not null,
  locked_until timestamp with time zone,
  updated_at timestamp with time zone default now() not null,
  constraint login_counters_pkey PRIMARY KEY (key)
);
CREATE INDEX login_counters_email_key_idx ON public.login_counters USING btree (email_key);
CREATE INDEX login_counters_updated_at_idx ON public.login_counters USING btree (updated_at);

create table removed_groups (
  id text collate "C" not null,
  constraint removed_groups_pkey PRIMARY KEY (id)
);

create table schema_migrations (
  name text not null,
  applied_at timestamp with time zone default now() not null,
  constraint schema_migrations_pkey PRIMARY KEY (name)
);
