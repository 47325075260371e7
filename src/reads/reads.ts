import type { Knex } from 'knex';
import type { Customer } from '../gen/customer/v1/customer';
import { toCustomer, type CustomerRow } from '../models/customer';
import { viewed, type View } from '../validation/read-mask';
import { createAddressesOf, type AddressesOf } from './addresses';
import { createByKey, type ByKey } from './by-key';
import { createCustomerLists, type CustomerLists } from './customer-lists';
import { createExport, type Export } from './export';
import { createGroupList, type GroupList } from './group-list';
import { createRelations } from './relations';
import { createSnapshots, type Snapshots } from './snapshot';

/** Everything that is read for an answer. */
export type Reads = ByKey &
  CustomerLists &
  Export &
  GroupList &
  Snapshots & {
    readonly addressesOf: AddressesOf;
    /** The message of a row, with the relations and fields that the call asks for. */
    readonly answer: (row: CustomerRow, view: View) => Promise<Customer>;
  };

export const createReads = (knex: Knex, poolSize: number): Reads => {
  const relationsOf = createRelations(knex);
  const snapshots = createSnapshots(knex, poolSize);
  return {
    ...createByKey(knex),
    ...snapshots,
    ...createCustomerLists(snapshots),
    ...createExport(snapshots),
    ...createGroupList(snapshots),
    addressesOf: createAddressesOf(knex),
    answer: async (row, view) => viewed(toCustomer(row), view, await relationsOf(row, view.expand)),
  };
};
