import { Model } from 'objection';
import type { CustomerGroup } from '../gen/customer/v1/customer_group';
import type { Metadata } from './customer';
import { toTimestamp } from './timestamp';

/** A row of `customer_groups`. */
export type GroupRow = {
  readonly id: string;
  readonly name: string;
  readonly metadata: Metadata;
  readonly revision: number;
  readonly created_at: Date;
  readonly updated_at: Date;
};

/** The columns of a GroupRow. */
export const GROUP_COLUMNS = [
  'id',
  'name',
  'metadata',
  'revision',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof GroupRow)[];

/** Table `customer_groups`. Read through it; only the change engine writes. */
export class CustomerGroupModel extends Model {
  static override readonly tableName = 'customer_groups';
}

/** The message of a row. */
export const toCustomerGroup = (row: GroupRow): CustomerGroup => ({
  id: row.id,
  name: row.name,
  metadata: row.metadata,
  revision: row.revision,
  created_at: toTimestamp(row.created_at),
  updated_at: toTimestamp(row.updated_at),
});
