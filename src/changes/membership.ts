import { DomainError } from '../errors';
import type { Draft } from './decide';

/** A value of ErrorInfo.metadata is cut at 200 characters. */
const NAMED = 6;

/** CUSTOMER_NOT_FOUND naming all of them, as far as an error has room. */
export const customersNotFound = (ids: readonly string[]): DomainError =>
  new DomainError('CUSTOMER_NOT_FOUND', `Customers with ids: ${ids.join(', ')} were not found`, {
    metadata: { missing_ids: ids.slice(0, NAMED).join(','), missing_count: String(ids.length) },
    resource: { type: 'customer', name: ids[0] ?? '' },
  });

/**
 * Puts customers into a group or takes them out, and answers how many that changed. Throws CUSTOMER_NOT_FOUND naming
 * all that are not alive, before anything is changed.
 */
export const changeMembership = (
  draft: Draft,
  customerIds: readonly string[],
  group_id: string,
  how: 'join' | 'leave',
): number => {
  const ids = [...new Set(customerIds)];
  const isAlive = (id: string): boolean => draft.find(id)?.customer.deleted_at === null;
  const missing = ids.filter((id) => !isAlive(id));
  if (missing.length > 0) throw customersNotFound(missing);
  const changed = ids
    .map((id) => draft.customer(id))
    .filter(({ group_ids }) => group_ids.includes(group_id) === (how === 'leave'));
  for (const state of changed) {
    const others = state.group_ids.filter((id) => id !== group_id);
    draft.save(
      { ...state, group_ids: how === 'join' ? [...others, group_id].sort() : others },
      { type: how === 'join' ? 'customer.group_added' : 'customer.group_removed' },
    );
  }
  return changed.length;
};
