/** The search indexes know when customers came, so that one stretch of time after the other can be looked through. */
export const up = `
create extension if not exists btree_gin;

create index customers_search_idx on customers using gin (
  search_text gin_trgm_ops, email gin_trgm_ops, first_name_folded gin_trgm_ops, last_name_folded gin_trgm_ops, phone_folded gin_trgm_ops,
  date_bin('1 hour', created_at, timestamptz '2000-01-01 00:00:00+00')
) where deleted_at is null;
create index customers_metadata_idx on customers using gin (
  metadata jsonb_path_ops, date_bin('1 hour', created_at, timestamptz '2000-01-01 00:00:00+00')
) where deleted_at is null;

create index customers_deleted_search_idx on customers using gin (
  search_text gin_trgm_ops, email gin_trgm_ops, first_name_folded gin_trgm_ops, last_name_folded gin_trgm_ops, phone_folded gin_trgm_ops,
  date_bin('1 hour', created_at, timestamptz '2000-01-01 00:00:00+00')
) where deleted_at is not null and erased_at is null;
create index customers_deleted_metadata_idx on customers using gin (
  metadata jsonb_path_ops, date_bin('1 hour', created_at, timestamptz '2000-01-01 00:00:00+00')
) where deleted_at is not null and erased_at is null;
`;
