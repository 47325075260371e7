import { getAlpha2Codes } from 'i18n-iso-countries';
import { z } from 'zod';
import { LIMITS, requiredText, text } from './fields';
import { metadata } from './metadata';

const COUNTRIES: ReadonlySet<string> = new Set(Object.keys(getAlpha2Codes()).map((code) => code.toLowerCase()));

/** Countries without postal codes (Universal Postal Union). */
const WITHOUT_POSTAL_CODE: ReadonlySet<string> = new Set(
  (
    'ae ag ao aw bf bi bj bo bs bw bz cd cf cg ci ck cm cw dj dm er fj ga gd gh gm gq gy hk jm ki km kn kp lc ml mo mr ' +
    'mw nr nu qa rw sb sc sl sr st sx sy td tf tg tk tl to tv ug vu ye zw'
  ).split(' '),
);

/** True when an address of this country (lower case) must have a postal code. */
export const hasPostalCodes = (country_code: string): boolean => !WITHOUT_POSTAL_CODE.has(country_code);

/** ISO 3166-1 alpha-2, taken in either case, lower case afterwards. */
export const country = () =>
  z.string().transform((raw, ctx) => {
    const code = raw.trim().toLowerCase();
    if (!COUNTRIES.has(code)) {
      ctx.addIssue({ code: 'custom', message: code === '' ? 'is required' : 'must be an ISO 3166-1 alpha-2 code' });
    }
    return code;
  });

/** A whole address. */
export const addressInput = () =>
  z
    .object({
      company: text(LIMITS.name),
      first_name: requiredText(LIMITS.name),
      last_name: requiredText(LIMITS.name),
      address_1: requiredText(LIMITS.addressLine),
      address_2: text(LIMITS.addressLine),
      city: requiredText(LIMITS.name),
      country_code: country(),
      province: text(LIMITS.name),
      postal_code: text(LIMITS.postalCode),
      phone: text(LIMITS.phone),
      metadata: metadata(),
    })
    .transform((address, ctx) => {
      if (address.postal_code === '' && hasPostalCodes(address.country_code)) {
        ctx.addIssue({ code: 'custom', path: ['postal_code'], message: 'is required in this country' });
      }
      return address;
    });

export type AddressContent = z.output<ReturnType<typeof addressInput>>;
