import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { customerNotFound } from '../../errors';
import type { ListAddressesRequest, ListAddressesResponse } from '../../gen/customer/v1/customer';
import { toAddress } from '../../models/address';
import { id } from '../../validation/fields';
import { validate } from '../../validation/validate';

const schema = z.object({ customer_id: id('cus') });

/** The addresses of a customer that is alive, oldest first. */
export const listAddresses: UnaryHandler<ListAddressesRequest, ListAddressesResponse> = async (ctx, raw) => {
  const { customer_id } = validate(schema, raw);
  const addresses = await ctx.reads.addressesOf(customer_id);
  if (addresses === undefined) throw customerNotFound(customer_id);
  return { addresses: addresses.map(toAddress) };
};
