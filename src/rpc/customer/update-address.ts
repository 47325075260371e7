import { z } from 'zod';
import { addressOf, findSame, withReplaced } from '../../changes/addresses';
import { DomainError, invalidRequest } from '../../errors';
import { UpdateAddressResponse, type UpdateAddressRequest } from '../../gen/customer/v1/customer';
import { toAddress, type AddressRow } from '../../models/address';
import { country, hasPostalCodes } from '../../validation/address';
import { expectedRevision, id, LIMITS, requestId, requiredText, text } from '../../validation/fields';
import { mergeMetadata, metadata, metadataFaults } from '../../validation/metadata';
import { validate } from '../../validation/validate';
import type { Mutation } from '../mutation';

const schema = z.object({
  customer_id: id('cus'),
  id: id('addr'),
  company: text(LIMITS.name).optional(),
  first_name: requiredText(LIMITS.name).optional(),
  last_name: requiredText(LIMITS.name).optional(),
  address_1: requiredText(LIMITS.addressLine).optional(),
  address_2: text(LIMITS.addressLine).optional(),
  city: requiredText(LIMITS.name).optional(),
  country_code: country().optional(),
  province: text(LIMITS.name).optional(),
  postal_code: text(LIMITS.postalCode).optional(),
  phone: text(LIMITS.phone).optional(),
  metadata: metadata().optional(),
  expected_revision: expectedRevision(),
  request_id: requestId(),
});

type Request = z.output<typeof schema>;

/** The seed's updateAddress, of this customer's addresses only, metadata merged as everywhere. */
export const updateAddress: Mutation<UpdateAddressRequest, Request, UpdateAddressResponse> = {
  rpc: 'UpdateAddress',
  reply: UpdateAddressResponse,
  validate: (_ctx, raw) => validate(schema, raw),
  plan: (_ctx, request) => ({
    customers: [request.customer_id],
    needs: { addresses: true },
    decide: (draft) => {
      const state = draft.customer(request.customer_id, request.expected_revision);
      const address = updated(addressOf(state, request.id), request);
      const same = findSame(state.addresses, address);
      if (same !== undefined) {
        throw new DomainError('ADDRESS_ALREADY_EXISTS', 'The customer has the same address already', {
          metadata: { existing_address_id: same.id },
          resource: { type: 'address', name: same.id },
        });
      }
      const after = withReplaced(state, address, draft.now);
      const { revision } = draft.save(after, { type: 'customer.address_updated' });
      return { address: toAddress(addressOf(after, request.id)), revision };
    },
  }),
};

/** The row after an update. Pure; throws INVALID_REQUEST for what only shows together with what is stored. */
const updated = (before: AddressRow, request: Request): AddressRow => {
  const set = (field: 'company' | 'address_2' | 'province' | 'postal_code' | 'phone'): string | null => {
    const given = request[field];
    if (given === undefined) return before[field];
    return given === '' ? null : given;
  };
  const after: AddressRow = {
    ...before,
    company: set('company'),
    first_name: request.first_name ?? before.first_name,
    last_name: request.last_name ?? before.last_name,
    address_1: request.address_1 ?? before.address_1,
    address_2: set('address_2'),
    city: request.city ?? before.city,
    country_code: request.country_code ?? before.country_code,
    province: set('province'),
    postal_code: set('postal_code'),
    phone: set('phone'),
    metadata: request.metadata === undefined ? before.metadata : mergeMetadata(before.metadata, request.metadata),
  };
  const faults = metadataFaults(after.metadata, 'metadata');
  if (after.postal_code === null && hasPostalCodes(after.country_code)) {
    faults.push({ field: 'postal_code', description: 'is required in this country' });
  }
  if (faults.length > 0) throw invalidRequest(faults);
  return after;
};
