import { z } from 'zod';
import { pointTo } from '../../changes/addresses';
import { UpdateBillingAddressResponse, type UpdateBillingAddressRequest } from '../../gen/customer/v1/customer';
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

/** Sets or clears the billing address. */
export const updateBillingAddress: Mutation<
  UpdateBillingAddressRequest,
  z.output<typeof schema>,
  UpdateBillingAddressResponse
> = {
  rpc: 'UpdateBillingAddress',
  reply: UpdateBillingAddressResponse,
  validate: (_ctx, raw) => validate(schema, raw),
  plan: (_ctx, { customer_id, target, expected_revision }) => ({
    customers: [customer_id],
    needs: { addresses: true },
    decide: (draft) => {
      const state = draft.customer(customer_id, expected_revision);
      const after = pointTo(state, 'billing_address_id', target, draft.now);
      const customer = draft.save(after);
      const address = after.addresses.find(({ id: one }) => one === customer.billing_address_id);
      return {
        customer: { ...toCustomer(customer), billing_address: address === undefined ? undefined : toAddress(address) },
      };
    },
  }),
};
