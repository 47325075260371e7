import { z } from 'zod';
import { Customer, Customer_Relation } from '../gen/customer/v1/customer';
import { PUBLIC_COLUMNS } from '../models/customer';

/** Which fields to answer; undefined: all of them. */
export type ReadMask = ReadonlySet<string> | undefined;

/** What can be answered beside the fields of a customer. */
export type Relation = 'addresses' | 'billing_address' | 'shipping_address' | 'groups';

/** What a read answers of a customer. */
export type View = { readonly read_mask: ReadMask; readonly expand: ReadonlySet<Relation> };

const CUSTOMER_FIELDS: ReadonlySet<string> = new Set(PUBLIC_COLUMNS);

/** A request of 1 MiB can hold a million: no more is looked at. */
const MAX_NAMED = 100;

/** Top-level names of Customer; one fault for each unknown one. */
export const customerMask = () =>
  z
    .array(z.string())
    .max(MAX_NAMED, `must have at most ${MAX_NAMED} paths`)
    .optional()
    .transform((paths, ctx): ReadMask => {
      for (const path of paths ?? []) {
        if (CUSTOMER_FIELDS.has(path)) continue;
        ctx.addIssue({ code: 'custom', message: `Customer has no field ${JSON.stringify(path.slice(0, 60))}` });
      }
      return paths === undefined || paths.length === 0 ? undefined : new Set([...paths, 'id', 'revision']);
    });

const RELATIONS: ReadonlyMap<number, Relation> = new Map([
  [Customer_Relation.RELATION_ADDRESSES, 'addresses'],
  [Customer_Relation.RELATION_BILLING_ADDRESS, 'billing_address'],
  [Customer_Relation.RELATION_SHIPPING_ADDRESS, 'shipping_address'],
  [Customer_Relation.RELATION_GROUPS, 'groups'],
]);

const expand = () =>
  z
    .array(z.number())
    .max(MAX_NAMED, `must have at most ${MAX_NAMED} relations`)
    .transform((numbers, ctx): ReadonlySet<Relation> => {
      for (const [index, number] of numbers.entries()) {
        if (!RELATIONS.has(number)) {
          ctx.addIssue({ code: 'custom', path: [index], message: 'must name a relation of Customer' });
        }
      }
      return new Set(numbers.flatMap((number) => RELATIONS.get(number) ?? []));
    });

/** The two fields of every read of customers, for the shape of its schema. */
export const view = () => ({ read_mask: customerMask(), expand: expand() });

/** The customer with the fields of the view, relations given beside; `id` and `revision` always. */
export const viewed = (customer: Customer, { read_mask }: View, relations: Pick<Customer, Relation>): Customer => ({
  ...(read_mask === undefined
    ? customer
    : Customer.fromPartial(Object.fromEntries(Object.entries(customer).filter(([field]) => read_mask.has(field))))),
  ...relations,
});
