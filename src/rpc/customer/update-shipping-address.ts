import { z } from 'zod';
import { pointTo } from '../../changes/addresses';
import { UpdateShippingAddressResponse, type UpdateShippingAddressRequest } from '../../gen/customer/v1/customer';
import { toAddress } from '../../models/address';
import { toCustomer } from '../../models/customer';
import { addressTarget } from '../../validation/address-target';
import { expectedRevision, id, requestId } from '../../validation/fields';
import { present } from '../../validation/present';
import { validate } from '../../validation/validate';
import type { Mutation } from '../mutation';

const schema = z.object({
  customer_id: id('cus'),
  target: present(addressTarget()),
  expected_revision: expectedRevision(),
  request_id: requestId(),
});

/** Sets or clears the shipping address. */
export const updateShippingAddress: Mutation<
  UpdateShippingAddressRequest,
  z.output<typeof schema>,
  UpdateShippingAddressResponse
> = {
  rpc: 'UpdateShippingAddress',
  reply: UpdateShippingAddressResponse,
  validate: (_ctx, raw) => validate(schema, raw),
  plan: (_ctx, { customer_id, target, expected_revision }) => ({
    customers: [customer_id],
    needs: { addresses: true },
    decide: (draft) => {
      const state = draft.customer(customer_id, expected_revision);
      const after = pointTo(state, 'shipping_address_id', target, draft.now);
      const customer = draft.save(after);
      const address = after.addresses.find(({ id: one }) => one === customer.shipping_address_id);
      return {
        customer: { ...toCustomer(customer), shipping_address: address === undefined ? undefined : toAddress(address) },
      };
    },
  }),
};
