import type { Knex } from 'knex';
import { statement } from '../db/statement';

/**
 * One deleted group, which other processes leave alone for so long, and up to 1,000 of its memberships. Nobody can join
 * a group once it is deleted, so that one with fewer left is done with.
 */
const REMOVE = `
  with next as (
    select id from removed_groups order by id limit 1 for update skip locked
  ), batch as (
    select group_id, customer_id from customer_group_members where group_id = (select id from next) limit 1000
  ), removed as (
    delete from customer_group_members where (group_id, customer_id) in (select * from batch)
  ), done as (
    delete from removed_groups where id = (select id from next) and (select count(*) from batch) < 1000
  )
  select id from next`;

/**
 * Removes the memberships of deleted groups, which are out of sight already, a batch at a time, so that deleting a group
 * of a million locks nobody out. Answers whether there may be more. Any number of processes may do it, at any time.
 */
export const removeMemberships = async (knex: Knex): Promise<boolean> => {
  const { rows } = await statement<{ id: string }>(knex, 'remove_memberships', REMOVE);
  return rows.length > 0;
};
