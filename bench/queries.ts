import {
  CountCustomersRequest,
  GetCustomerByPhoneRequest,
  GetCustomerRequest,
  GetRegisteredCustomerByEmailRequest,
  ListCustomersRequest,
} from '../src/gen/customer/v1/customer';
import {
  customerId,
  digits,
  drawn,
  emailOf,
  END,
  FIRST,
  fractionOf,
  GROUPS,
  isDeleted,
  isRegistered,
  LAST,
  MAIL,
  phoneOf,
} from './people';

/** A kind of read: its rpc, and the nth request of it, encoded. */
export type Query = { readonly rpc: string; readonly request: (n: number) => Uint8Array };

type Lists = Parameters<typeof ListCustomersRequest.fromPartial>[0];
type Counts = Parameters<typeof CountCustomersRequest.fromPartial>[0];

/** Some customer alive of so many, another one for each n. */
const someone = (n: number, of: number, fits: (m: number) => boolean = () => true): number => {
  let m = Math.floor(fractionOf(n, 99) * of);
  while (isDeleted(m) || !fits(m)) m = (m + 1) % of;
  return m;
};

const list = (request: Lists | ((n: number) => Lists)): Query => ({
  rpc: 'ListCustomers',
  request: (n) =>
    ListCustomersRequest.encode(
      ListCustomersRequest.fromPartial(typeof request === 'function' ? request(n) : request),
    ).finish(),
});

const count = (request: Counts): Query => ({
  rpc: 'CountCustomers',
  request: () => CountCustomersRequest.encode(CountCustomersRequest.fromPartial(request)).finish(),
});

const daysBeforeEnd = (days: number) => ({ seconds: END / 1_000 - days * 86_400 });

const first = (n: number, purpose = 90): string => FIRST[Math.floor(fractionOf(n, purpose) * FIRST.length)] ?? '';
const last = (n: number): string => LAST[Math.floor(fractionOf(n, 91) * LAST.length)] ?? '';
const number = (n: number, length: number): string => digits(fractionOf(n, 92)).slice(0, length);

/** What people type: every name as often as any other, those with hundreds of thousands of matches and those with none. */
const TERMS: readonly ((n: number) => string)[] = [
  first,
  last,
  (n) => `${first(n)} ${last(n)}`,
  (n) => `${first(n)} ${first(n, 93)} ${last(n)}`,
  (n) => `${first(n)} ${last(n)} ${number(n, 3)}`,
  (n) => `${first(n)}.${last(n)}`,
  (n) => `${first(n)} ${drawn(MAIL, fractionOf(n, 94))}`,
  (n) => last(n).slice(1, 4),
  (n) => first(n).slice(0, 2),
  (n) => number(n, 3),
  (n) => number(n, 4),
  (n) => number(n, 6),
  (n) => `+45 ${number(n, 2)} ${number(n, 4).slice(2)}`,
  (n) => `${first(n)} nobody`,
];

/** Everything that is asked of a database of so many customers. `deepToken`: of a page that begins deep in the list. */
export const queriesOf = (customers: number, deepToken: string): Readonly<Record<string, Query>> => ({
  'get by id': {
    rpc: 'GetCustomer',
    request: (n) =>
      GetCustomerRequest.encode(GetCustomerRequest.fromPartial({ id: customerId(someone(n, customers)) })).finish(),
  },
  'get by e-mail': {
    rpc: 'GetRegisteredCustomerByEmail',
    request: (n) =>
      GetRegisteredCustomerByEmailRequest.encode(
        GetRegisteredCustomerByEmailRequest.fromPartial({ email: emailOf(someone(n, customers, isRegistered)) }),
      ).finish(),
  },
  'get by phone': {
    rpc: 'GetCustomerByPhone',
    request: (n) =>
      GetCustomerByPhoneRequest.encode(
        GetCustomerByPhoneRequest.fromPartial({
          phone: phoneOf(someone(n, customers, (m) => fractionOf(m, 10) < 0.8)),
        }),
      ).finish(),
  },
  'first page': list({}),
  'deep page, by token': list({ page_token: deepToken }),
  'account and time': list({
    filter: { has_account: true, created_at: { gte: daysBeforeEnd(400), lt: daysBeforeEnd(370) } },
  }),
  'large group, first page': list({ filter: { group_ids: [GROUPS[0].id] } }),
  'mid-size group, first page': list({ filter: { group_ids: [GROUPS[1].id] } }),
  'small group, first page': list({ filter: { group_ids: [GROUPS[2].id] } }),
  'q: selective term': list((n) => {
    const local = emailOf(someone(n, customers)).split('@')[0] ?? '';
    return { filter: { q: local.split('.')[1] ?? '' } };
  }),
  'q: common term': list({ filter: { q: 'anna' } }),
  'q: two terms': list({ filter: { q: 'zoë winther' } }),
  'q: three terms': list({ filter: { q: 'xenia quist firma' } }),
  'q: two letters': list({ filter: { q: 'xe' } }),
  'q: terms of all kinds': list((n) => ({ filter: { q: TERMS[n % TERMS.length]?.(n) ?? '' } })),
  'last name contains': list({ filter: { last_name: { contains: 'uist' } } }),
  'last name starts with': list({ filter: { last_name: { starts_with: 'wint' } } }),
  'metadata contains': list((n) => ({ filter: { metadata: { campaign: `c${n % 1_000}` } } })),
  'count of all': count({}),
  'count with filter': count({ filter: { has_account: true, created_at: { gte: daysBeforeEnd(400) } } }),
  'count with q': count({ filter: { q: 'anna' } }),
});
