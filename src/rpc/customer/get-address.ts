import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { addressNotFound, customerNotFound } from '../../errors';
import type { GetAddressRequest, GetAddressResponse } from '../../gen/customer/v1/customer';
import { toAddress } from '../../models/address';
import { id } from '../../validation/fields';
import { validate } from '../../validation/validate';

const schema = z.object({ customer_id: id('cus'), id: id('addr') });

/** One address of a customer that is alive; another customer's is not found. */
export const getAddress: UnaryHandler<GetAddressRequest, GetAddressResponse> = async (ctx, raw) => {
  const request = validate(schema, raw);
  const addresses = await ctx.reads.addressesOf(request.customer_id);
  if (addresses === undefined) throw customerNotFound(request.customer_id);
  const address = addresses.find(({ id: one }) => one === request.id);
  if (address === undefined) throw addressNotFound(request.id);
  return { address: toAddress(address) };
};
