import { fingerprint, type AddressRow } from '../src/models/address';
import type { CustomerRow } from '../src/models/customer';
import { memoized } from '../src/memoized';
import { fold, phoneKey, searchText } from '../src/models/fold';

/** Who fills a database: the same people every time, drawn as names, places and habits are: few often, many seldom. */
export const FIRST =
  'Anna Peter Maria Lars Emma Jens Sofia Thomas Ida Michael Laura Søren Julia Henrik Clara Niels Lucía Martin Åse Mette José Camille Björn Zoë Łukasz Aylin Ngozi Hiroshi Élodie Øyvind Fatima Giulia Mikkel Astrid Pavel Chloé Jürgen Xenia Dmitri Marta'.split(
    ' ',
  );
export const LAST =
  'Jensen Nielsen Hansen Müller Andersen García Smith Pedersen Larsen Kowalski Sørensen Dupont Rossi Rasmussen Meyer Svensson Novák Jørgensen Fernández Schmidt Petersen Öztürk Lindqvist Christensen O’Brien Okafor Bergström Moreau Tanaka Kaya Eriksen Vestergaard Dąbrowska Holm Žižek Lefèvre Nguyen Quist Übelacker Winther'.split(
    ' ',
  );
const CITIES = [
  ['dk', 'København K', '1165', '+45'],
  ['dk', 'Aarhus C', '8000', '+45'],
  ['de', 'Berlin', '10115', '+49'],
  ['se', 'Malmö', '21119', '+46'],
  ['fr', 'Lyon', '69001', '+33'],
  ['pl', 'Kraków', '30-001', '+48'],
] as const;
export const MAIL = ['gmail.com', 'outlook.com', 'example.com', 'proton.me', 'firma.dk'];

/** Days over which the customers came. */
const DAYS = 5 * 365;
const DAY_MS = 86_400_000;
const BEGIN = Date.UTC(2021, 0, 1);
export const END = BEGIN + DAYS * DAY_MS;

/** A fraction that belongs to n and a purpose, the same every time (a hash by multiplication and shifts). */
export const fractionOf = (n: number, purpose: number): number => {
  let x = (n + 1) * 0x9e3779b1 + purpose * 0x85ebca6b;
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
};

/** Squared, so that the first of a list is drawn most. */
export const drawn = <T>(all: readonly T[], fraction: number): T => all[Math.floor(fraction ** 2 * all.length)] as T;

export const digits = (fraction: number): string => String(Math.floor(fraction * 1e8)).padStart(8, '0');
const folded = memoized(fold);
const ascii = memoized((name: string): string =>
  fold(name)
    .normalize('NFD')
    .replace(/[^a-z]/g, ''),
);

export const customerId = (n: number): string => `cus_${String(n).padStart(26, '0')}`;
export const emailOf = (n: number): string =>
  `${ascii(drawn(FIRST, fractionOf(n, 1)))}.${ascii(drawn(LAST, fractionOf(n, 2)))}${n}@${drawn(MAIL, fractionOf(n, 3))}`;
export const phoneOf = (n: number): string =>
  `${drawn(CITIES, fractionOf(n, 4))[3]} ${digits(fractionOf(n, 5)).replace(/(..)(?=.)/g, '$1 ')}`;
export const isRegistered = (n: number): boolean => fractionOf(n, 6) < 0.4;
export const isDeleted = (n: number): boolean => fractionOf(n, 7) < 0.03;

const addressId = (n: number, index: number): string => `addr_${String(2 * n + index).padStart(26, '0')}`;
const HASH = '$2b$12$C6UzMDM.H6dfI/f/IKcEeO3bzYbp9fJ1rNdVf3nFQKpDk0q1vQX6m';

/** The nth customer of so many in all. */
const customerOf = (n: number, of: number): CustomerRow => {
  const created_at = new Date(BEGIN + Math.floor((n / of) * DAYS * DAY_MS));
  const changes = Math.floor(fractionOf(n, 8) ** 3 * 12);
  const updated_at = new Date(created_at.getTime() + Math.floor((END - created_at.getTime()) * fractionOf(n, 9) ** 4));
  const phone = fractionOf(n, 10) < 0.8 ? phoneOf(n) : null;
  return {
    id: customerId(n),
    email: emailOf(n),
    first_name: drawn(FIRST, fractionOf(n, 1)),
    last_name: drawn(LAST, fractionOf(n, 2)),
    phone,
    has_account: isRegistered(n),
    password_hash: isRegistered(n) ? HASH : null,
    password_revision: isRegistered(n) ? 1 : null,
    external_id: fractionOf(n, 11) < 0.3 ? `erp-${n}` : null,
    billing_address_id: fractionOf(n, 12) < 0.5 ? addressId(n, 0) : null,
    shipping_address_id: fractionOf(n, 13) < 0.3 ? addressId(n, 1) : null,
    metadata: {
      source: drawn(['web', 'shop', 'import', 'partner'], fractionOf(n, 14)),
      tier: drawn(['basic', 'plus', 'gold'], fractionOf(n, 15)),
      visits: Math.floor(fractionOf(n, 16) * 200),
      ...(fractionOf(n, 17) < 0.2 ? { campaign: `c${n % 1_000}` } : {}),
    },
    revision: 1 + changes,
    created_at,
    updated_at,
    deleted_at: isDeleted(n) ? updated_at : null,
    erased_at: null,
    occurred_at: updated_at,
  };
};

/** A row of `customers`, with the columns that only indexes see. */
export const customerRow = (n: number, of: number) => {
  const row = customerOf(n, of);
  return {
    ...row,
    phone_key: row.phone === null ? null : phoneKey(row.phone),
    first_name_folded: folded(row.first_name ?? ''),
    last_name_folded: folded(row.last_name ?? ''),
    phone_folded: fold(row.phone ?? ''),
    search_text: searchText(row),
  };
};

/** The two rows of `addresses` of a customer. */
export const addressRows = (n: number, of: number) => {
  const { id, first_name, last_name, phone, created_at, updated_at } = customerOf(n, of);
  return [0, 1].map((index) => {
    const [country_code, city, postal_code] = drawn(CITIES, fractionOf(n, 20 + index));
    const row: AddressRow = {
      id: addressId(n, index),
      customer_id: id,
      company: fractionOf(n, 22 + index) < 0.2 ? `${last_name ?? ''} & Co.` : null,
      first_name: first_name ?? '',
      last_name: last_name ?? '',
      address_1: `${drawn(LAST, fractionOf(n, 24 + index))}vej ${1 + Math.floor(fractionOf(n, 26 + index) * 200)}`,
      address_2: index === 0 ? null : `${1 + (n % 5)}. th`,
      city,
      country_code,
      province: null,
      postal_code,
      phone,
      metadata: {},
      created_at,
      updated_at,
    };
    return { ...row, fingerprint: fingerprint(row) };
  });
};

/** Groups: every how many-th of so many customers is in them. The pilots are a hundred, among however many. */
export const GROUPS = [
  { id: `cgrp_${'1'.padStart(26, '0')}`, name: 'Newsletter', every: () => 3 },
  { id: `cgrp_${'2'.padStart(26, '0')}`, name: 'Wholesale', every: () => 100 },
  { id: `cgrp_${'3'.padStart(26, '0')}`, name: 'Pilot', every: (of: number) => Math.ceil(of / 100) },
  { id: `cgrp_${'4'.padStart(26, '0')}`, name: 'Nobody', every: () => Infinity },
] as const;
