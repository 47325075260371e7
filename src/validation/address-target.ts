import { z } from 'zod';
import type { AddressTarget } from '../gen/customer/v1/customer';
import { addressInput, type AddressContent } from './address';
import { id } from './fields';

type Content = {
  readonly address_id?: string | undefined;
  readonly address?: AddressContent | undefined;
};

const content = z.object({ address_id: id('addr').optional(), address: addressInput().optional() });

type Target =
  | { readonly $case: 'address_id'; readonly value: string }
  | { readonly $case: 'address'; readonly value: AddressContent }
  | { readonly $case: 'clear'; readonly value: boolean };

/** Exactly one of address_id, address and clear; faults under the name of the one that was given. */
export const addressTarget = () =>
  z.custom<AddressTarget>().transform(({ target }, ctx): Target => {
    if (target?.$case === 'clear' && target.value) return target;
    if (target === undefined || target.$case === 'clear') {
      const message = target === undefined ? 'must have address_id, address or clear' : 'must be true';
      ctx.addIssue({ code: 'custom', path: target === undefined ? [] : ['clear'], message });
      return z.NEVER;
    }
    const result = content.safeParse({ [target.$case]: target.value });
    if (!result.success) {
      for (const issue of result.error.issues)
        ctx.addIssue({ code: 'custom', path: issue.path, message: issue.message });
      return z.NEVER;
    }
    const { address_id, address }: Content = result.data;
    if (address !== undefined) return { $case: 'address', value: address };
    return { $case: 'address_id', value: address_id ?? '' };
  });
