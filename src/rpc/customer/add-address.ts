import { z } from 'zod';
import { findSame, newAddress, withAddress } from '../../changes/addresses';
import { AddAddressResponse, type AddAddressRequest } from '../../gen/customer/v1/customer';
import { toAddress } from '../../models/address';
import { addressInput } from '../../validation/address';
import { expectedRevision, id, requestId } from '../../validation/fields';
import { present } from '../../validation/present';
import { validate } from '../../validation/validate';
import type { Mutation } from '../mutation';

const schema = z.object({
  customer_id: id('cus'),
  address: present(addressInput()),
  expected_revision: expectedRevision(),
  request_id: requestId(),
});

/** The seed's addAddress, which never makes two of the same, whatever runs at once. */
export const addAddress: Mutation<AddAddressRequest, z.output<typeof schema>, AddAddressResponse> = {
  rpc: 'AddAddress',
  reply: AddAddressResponse,
  validate: (_ctx, raw) => validate(schema, raw),
  plan: (_ctx, { customer_id, address: content, expected_revision }) => ({
    customers: [customer_id],
    needs: { addresses: true },
    decide: (draft) => {
      const state = draft.customer(customer_id, expected_revision);
      const address = newAddress(customer_id, content, draft.now);
      const same = findSame(state.addresses, address);
      if (same !== undefined) return { address: toAddress(same), created: false, revision: state.customer.revision };
      const { revision } = draft.save(withAddress(state, address), { type: 'customer.address_added' });
      return { address: toAddress(address), created: true, revision };
    },
  }),
};
