import type { Customer, CustomerFilter, StringFilter, TimeFilter } from '../../src/gen/customer/v1/customer';

/** A customer as the answers to its changes told it. */
export type Known = {
  readonly customer: Customer;
  readonly isErased: boolean;
  readonly group_ids: ReadonlySet<string>;
};

/** What the test client takes for a filter. */
export type LooseFilter = Partial<Omit<CustomerFilter, 'any_of' | Texts | Times>> & {
  readonly any_of?: readonly LooseFilter[];
} & Partial<Record<Texts, Partial<StringFilter>>> &
  Partial<Record<Times, Partial<TimeFilter>>>;

type Texts = 'email' | 'first_name' | 'last_name' | 'phone';
type Times = 'created_at' | 'updated_at' | 'deleted_at';

/** The rule of the contract, written again on purpose: this file shares no code with what it judges. */
const lower = (text: string): string => text.normalize('NFC').toLowerCase().normalize('NFC');
const bare = (phone: string): string =>
  phone
    .trim()
    .replace(/[\s.\p{Pd}/()[\]]/gu, '')
    .replace(/^00/, '+');

const matchesText = (value: string | undefined, filter: Partial<StringFilter> | undefined): boolean => {
  if (filter === undefined) return true;
  const text = value === undefined || value === '' ? undefined : lower(value);
  const { equals, contains, starts_with, ends_with, is_null } = filter;
  return (
    (equals === undefined || text === lower(equals.trim())) &&
    (filter.in === undefined || filter.in.length === 0 || filter.in.some((one) => text === lower(one.trim()))) &&
    (contains === undefined || text?.includes(lower(contains)) === true) &&
    (starts_with === undefined || text?.startsWith(lower(starts_with)) === true) &&
    (ends_with === undefined || text?.endsWith(lower(ends_with)) === true) &&
    (is_null === undefined || (text === undefined) === is_null)
  );
};

type Time = { readonly seconds: number; readonly nanos: number };
const compareTimes = (a: Time, b: Time): number => a.seconds - b.seconds || a.nanos - b.nanos;

const matchesTime = (value: Time | undefined, filter: Partial<TimeFilter> | undefined): boolean => {
  if (filter === undefined || Object.values(filter).every((bound) => bound === undefined)) return true;
  if (value === undefined) return false;
  const { gt, gte, lt, lte } = filter;
  return (
    (gt === undefined || compareTimes(value, gt) > 0) &&
    (gte === undefined || compareTimes(value, gte) >= 0) &&
    (lt === undefined || compareTimes(value, lt) < 0) &&
    (lte === undefined || compareTimes(value, lte) <= 0)
  );
};

const contains = (whole: unknown, part: unknown): boolean => {
  if (Array.isArray(part)) {
    return Array.isArray(whole) && part.every((wanted) => whole.some((one) => contains(one, wanted)));
  }
  if (typeof part === 'object' && part !== null) {
    if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return false;
    return Object.entries(part).every(([key, value]) => key in whole && contains(whole[key as never], value));
  }
  return whole === part;
};

const matchesSearch = (customer: Customer, q: string): boolean => {
  const whole = q.trim();
  if (/^cus_[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(whole)) return customer.id === whole;
  const texts = [customer.email, customer.first_name, customer.last_name, customer.phone].map((text) =>
    lower(text ?? ''),
  );
  const words = texts.flatMap((text) => [...text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)].map(([word]) => word));
  return lower(whole)
    .split(/\s+/)
    .every((term) =>
      Array.from(term).length > 2 || term === ''
        ? texts.some((text) => text.includes(term))
        : words.some((word) => word.startsWith(term)),
    );
};

const isIn = (values: readonly string[] | undefined, test: (value: string) => boolean): boolean =>
  values === undefined || values.length === 0 || values.some(test);

const matchesAll = ({ customer, group_ids }: Known, filter: LooseFilter): boolean =>
  isIn(filter.ids, (id) => id === customer.id) &&
  isIn(filter.emails, (email) => lower(email.trim()) === customer.email) &&
  isIn(filter.phones, (phone) => customer.phone !== undefined && bare(phone) === bare(customer.phone)) &&
  isIn(filter.external_ids, (id) => id === customer.external_id) &&
  isIn(filter.group_ids, (id) => customer.deleted_at === undefined && group_ids.has(id)) &&
  (filter.has_account === undefined || filter.has_account === customer.has_account) &&
  matchesText(customer.email, filter.email) &&
  matchesText(customer.first_name, filter.first_name) &&
  matchesText(customer.last_name, filter.last_name) &&
  matchesText(customer.phone, filter.phone) &&
  matchesTime(customer.created_at, filter.created_at) &&
  matchesTime(customer.updated_at, filter.updated_at) &&
  matchesTime(customer.deleted_at, filter.deleted_at) &&
  (filter.metadata === undefined || contains(customer.metadata, filter.metadata));

const DELETED = [(isDeleted: boolean) => !isDeleted, () => true, (isDeleted: boolean) => isDeleted] as const;

/** Whether a filter finds a customer. */
export const isFound = (known: Known, filter: LooseFilter): boolean =>
  !known.isErased &&
  DELETED[(filter.deleted as 0 | 1 | 2 | undefined) ?? 0](known.customer.deleted_at !== undefined) &&
  matchesSearch(known.customer, filter.q ?? '') &&
  matchesAll(known, filter) &&
  (filter.any_of === undefined || filter.any_of.length === 0 || filter.any_of.some((one) => matchesAll(known, one)));

/** UTF-8 sorts as code points do. */
const compareTexts = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** How `order_by` puts two customers. */
export const inOrder =
  (order_by: string) =>
  ({ customer: a }: Known, { customer: b }: Known): number => {
    const [column, direction] = (order_by === '' ? 'created_at desc' : order_by).split(' ') as [
      keyof Customer,
      string?,
    ];
    const sign = direction === 'desc' ? -1 : 1;
    const [x, y] = [a[column], b[column]];
    const compared =
      typeof x === 'object' && typeof y === 'object'
        ? compareTimes(x as Time, y as Time)
        : compareTexts(lower((x as string | undefined) ?? ''), lower((y as string | undefined) ?? ''));
    return sign * (compared || compareTexts(a.id, b.id));
  };
