import { z } from 'zod';
import { distinctAddresses } from './address';
import { email, LIMITS, optionalId, optionalPassword, requestId, text } from './fields';
import { metadata } from './metadata';
import { schemaBy } from './validate';

/** A customer that is to be created, by whichever rpc. */
export const newCustomer = schemaBy((minPassword: number) =>
  z.object({
    email: email(),
    password: optionalPassword(minPassword),
    first_name: text(LIMITS.name),
    last_name: text(LIMITS.name),
    phone: text(LIMITS.phone),
    external_id: text(LIMITS.externalId),
    metadata: metadata(),
    addresses: distinctAddresses(),
    id: optionalId('cus'),
    request_id: requestId(),
  }),
);

export type NewCustomer = z.output<ReturnType<typeof newCustomer>>;
