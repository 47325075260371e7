const texts = `search_text gin_trgm_ops, email gin_trgm_ops, first_name_folded gin_trgm_ops, last_name_folded gin_trgm_ops,
  phone_folded gin_trgm_ops`;

/**
 * The search indexes know in which periods customers came: the day, the 32 days and the 1,024 days, each with numbers of
 * its own, so that whatever lies between two days is a few of them. Days are counted from 2000 on; who came before, or
 * after 2100, is taken for one of the first or the last.
 *
 * The periods stand last: of conditions that must hold together the index compares the first ones first, and what has some
 * piece of a text is less than what lies in a long stretch of time.
 */
export const up = `
create function day_of(at timestamptz) returns int language sql immutable parallel safe
  return date_part('day', greatest(least(at, timestamptz '2100-01-01 00:00:00+00'), timestamptz '2000-01-01 00:00:00+00')
                          - timestamptz '2000-01-01 00:00:00+00')::int;
create function periods_of(at timestamptz) returns int[] language sql immutable parallel safe
  return array[day_of(at), 40000 + day_of(at) / 32, 50000 + day_of(at) / 1024];

-- There where main of some days had another 0005.
drop index if exists customers_search_idx, customers_metadata_idx, customers_deleted_search_idx, customers_deleted_metadata_idx;

create index customers_search_idx on customers using gin (${texts}, periods_of(created_at)) where deleted_at is null;
create index customers_metadata_idx on customers using gin (metadata jsonb_path_ops, periods_of(created_at)) where deleted_at is null;

create index customers_deleted_search_idx on customers using gin (${texts}, periods_of(created_at))
  where deleted_at is not null and erased_at is null;
create index customers_deleted_metadata_idx on customers using gin (metadata jsonb_path_ops, periods_of(created_at))
  where deleted_at is not null and erased_at is null;

-- Of no more use. Who made it may be somebody else, or use it.
do $$ begin
  drop extension if exists btree_gin;
exception when insufficient_privilege or dependent_objects_still_exist then null;
end $$;
`;
