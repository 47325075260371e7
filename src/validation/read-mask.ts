import { z } from 'zod';
import { Customer } from '../gen/customer/v1/customer';

/** Which fields to answer; undefined: all of them. */
export type ReadMask = ReadonlySet<string> | undefined;

const CUSTOMER_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'email',
  'first_name',
  'last_name',
  'phone',
  'has_account',
  'external_id',
  'billing_address_id',
  'shipping_address_id',
  'metadata',
  'revision',
  'created_at',
  'updated_at',
  'deleted_at',
] satisfies (keyof Customer)[]);

/** Top-level names of Customer; one fault for each unknown one. */
export const customerMask = () =>
  z
    .array(z.string())
    .optional()
    .transform((paths, ctx): ReadMask => {
      for (const path of paths ?? []) {
        if (CUSTOMER_FIELDS.has(path)) continue;
        ctx.addIssue({ code: 'custom', message: `Customer has no field ${JSON.stringify(path.slice(0, 60))}` });
      }
      return paths === undefined || paths.length === 0 ? undefined : new Set([...paths, 'id', 'revision']);
    });

/** The customer with the fields of the mask; `id` and `revision` always. */
export const maskCustomer = (customer: Customer, mask: ReadMask): Customer =>
  mask === undefined
    ? customer
    : Customer.fromPartial(Object.fromEntries(Object.entries(customer).filter(([field]) => mask.has(field))));
