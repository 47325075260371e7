import { z } from 'zod';
import { RemoveAddressResponse, type RemoveAddressRequest } from '../../gen/customer/v1/customer';
import { expectedRevision, id, requestId } from '../../validation/fields';
import { validate } from '../../validation/validate';
import type { Mutation } from '../mutation';

const schema = z.object({
  customer_id: id('cus'),
  id: id('addr'),
  expected_revision: expectedRevision(),
  request_id: requestId(),
});

/** The seed's removeAddress; pointers to the address are cleared in the same change. */
export const removeAddress: Mutation<RemoveAddressRequest, z.output<typeof schema>, RemoveAddressResponse> = {
  rpc: 'RemoveAddress',
  reply: RemoveAddressResponse,
  validate: (_ctx, raw) => validate(schema, raw),
  plan: (_ctx, request) => ({
    customers: [request.customer_id],
    needs: { addresses: true },
    decide: (draft) => {
      const { customer, ...relations } = draft.customer(request.customer_id, request.expected_revision);
      const addresses = relations.addresses.filter(({ id: one }) => one !== request.id);
      if (addresses.length === relations.addresses.length) return { removed: false, revision: customer.revision };
      const without = (pointer: string | null) => (pointer === request.id ? null : pointer);
      const after = {
        ...customer,
        billing_address_id: without(customer.billing_address_id),
        shipping_address_id: without(customer.shipping_address_id),
      };
      const { revision } = draft.save(
        { ...relations, customer: after, addresses },
        { type: 'customer.address_removed' },
      );
      return { removed: true, revision };
    },
  }),
};
