import { getAlpha2Codes } from 'i18n-iso-countries';
import { z } from 'zod';
import { fingerprint } from '../models/address';
import { LIMITS, requiredText, text } from './fields';
import { metadata } from './metadata';

/** Those that ISO 3166-1 assigns; the package knows XK besides, which is nobody's there. */
const COUNTRIES: ReadonlySet<string> = new Set(
  Object.keys(getAlpha2Codes())
    .map((code) => code.toLowerCase())
    .filter((code) => code !== 'xk'),
);

/** Countries without postal codes (Universal Postal Union). */
const WITHOUT_POSTAL_CODE: ReadonlySet<string> = new Set(
  (
    'ae ag ao aw bf bi bj bo bq bs bw bz cd cf cg ci ck cm cw dj dm er fj ga gd gh gm gq gy hk jm ki km kn kp lc ml mo mr ' +
    'mw nr nu pa qa rw sb sc sl sr st sx sy td tf tg tk tl to tv ug vu ye zw'
  ).split(' '),
);

/** True when an address of this country (lower case) must have a postal code. */
export const hasPostalCodes = (country_code: string): boolean => !WITHOUT_POSTAL_CODE.has(country_code);

const normalCountry = (raw: string): string => raw.trim().toLowerCase();

/** ISO 3166-1 alpha-2, taken in either case, lower case afterwards. */
export const country = () =>
  z.string().transform((raw, ctx) => {
    const code = normalCountry(raw);
    if (!COUNTRIES.has(code)) {
      ctx.addIssue({ code: 'custom', message: code === '' ? 'is required' : 'must be an ISO 3166-1 alpha-2 code' });
    }
    return code;
  });

const fields = z.object({
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
});

/** A whole address. A missing postal code is told together with every other fault, once the country is known. */
export const addressInput = () =>
  z.custom<z.input<typeof fields>>().transform((raw, ctx): z.output<typeof fields> => {
    const result = fields.safeParse(raw);
    for (const { path, message } of result.error?.issues ?? []) ctx.addIssue({ code: 'custom', path, message });
    const country_code = normalCountry(raw.country_code);
    if (raw.postal_code.trim() === '' && COUNTRIES.has(country_code) && hasPostalCodes(country_code)) {
      ctx.addIssue({ code: 'custom', path: ['postal_code'], message: 'is required in this country' });
    }
    return result.data ?? z.NEVER;
  });

export type AddressContent = z.output<typeof fields>;

const one = addressInput();
const MAX_ADDRESSES = 100;
/** A request of 1 MiB can hold half a million empty ones: no more is looked at than can be told. */
const MAX_FAULTS = 20;

/** Addresses of which equal ones become one, the first; at most 100 then. */
export const distinctAddresses = () =>
  z.custom<readonly z.input<typeof fields>[]>().transform((raw, ctx): readonly AddressContent[] => {
    const distinct = new Map<string, AddressContent>();
    const seen = new Set<string>();
    let faults = 0;
    for (const [index, given] of raw.entries()) {
      const asGiven = JSON.stringify(given);
      if (seen.has(asGiven)) continue;
      seen.add(asGiven);
      const { data, error } = one.safeParse(given);
      for (const { path, message } of error?.issues ?? []) {
        ctx.addIssue({ code: 'custom', path: [index, ...path], message });
        faults += 1;
      }
      const key = data === undefined ? '' : fingerprint(data);
      if (data !== undefined && !distinct.has(key)) distinct.set(key, data);
      if (distinct.size > MAX_ADDRESSES) {
        ctx.addIssue({ code: 'custom', message: `must be at most ${MAX_ADDRESSES} different ones` });
      }
      if (distinct.size > MAX_ADDRESSES || faults >= MAX_FAULTS) break;
    }
    return [...distinct.values()];
  });
