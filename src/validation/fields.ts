import { z } from 'zod';
import { fold, phoneKey } from '../models/fold';
import { idPattern, type IdPrefix } from '../models/ids';
import { isEmail } from './email';

/** Lengths in code points; passwords in bytes. The same numbers stand in the proto comments. */
export const LIMITS = {
  email: 254,
  name: 200,
  addressLine: 300,
  phone: 40,
  postalCode: 20,
  externalId: 200,
  passwordBytes: 72,
} as const;

/** A fault in one text, undefined when there is none. */
type Check = (text: string) => string | undefined;

const checked = (normalise: (text: string) => string, ...checks: readonly Check[]) =>
  z.string().transform((raw, ctx) => {
    const text = normalise(raw);
    const fault = checks.map((check) => check(text)).find((found) => found !== undefined);
    if (fault !== undefined) ctx.addIssue({ code: 'custom', message: fault });
    return text;
  });

const trim = (text: string): string => text.normalize('NFC').trim();
const noNul: Check = (text) => (text.includes('\0') ? 'must not contain U+0000' : undefined);
/** A check that lets nothing pass as well. */
const orNothing =
  (check: Check): Check =>
  (text) =>
    text === '' ? undefined : check(text);
const present: Check = (text) => (text === '' ? 'is required' : undefined);
const atMost =
  (max: number): Check =>
  (text) =>
    // A text never has more code points than UTF-16 units, so that only long ones are counted.
    text.length > max && Array.from(text).length > max ? `must have at most ${max} characters` : undefined;

/** NFC, trimmed; may be empty. */
export const text = (max: number) => checked(trim, noNul, atMost(max));

/** NFC, trimmed, not empty. */
export const requiredText = (max: number) => checked(trim, noNul, present, atMost(max));

/** Folded (NFC, trimmed, lower case) and valid by RFC 5321 with UTF-8 in both parts (RFC 6531). */
export const email = () =>
  checked(
    (raw) => fold(trim(raw)),
    noNul,
    present,
    atMost(LIMITS.email),
    (address) => (isEmail(address) ? undefined : 'must be an e-mail address'),
  );

/** A phone number to look for: nothing but blanks and punctuation would be anybody's. */
export const phoneNumber = () =>
  checked(trim, noNul, present, atMost(LIMITS.phone), (phone) =>
    phoneKey(phone) === '' ? 'must have at least one digit or letter' : undefined,
  );

/** `cus_…`, `addr_…`, `cgrp_…`. */
export const id = (prefix: IdPrefix) => checked((raw) => raw, present, isId(prefix));

/** An id or nothing: the service makes one. */
export const optionalId = (prefix: IdPrefix) => checked((raw) => raw, orNothing(isId(prefix)));

const isId = (prefix: IdPrefix): Check => {
  const pattern = idPattern(prefix);
  return (given) =>
    pattern.test(given) ? undefined : `must be an id: ${prefix}_ and a ULID of 26 upper-case characters`;
};

/** Taken as it is, never trimmed. More than 72 bytes are refused, because bcrypt would ignore the rest. */
export const password = (minLength: number) => checked((raw) => raw, ...passwordChecks(minLength));

/** A password or nothing: a guest. */
export const optionalPassword = (minLength: number) =>
  checked((raw) => raw, ...passwordChecks(minLength).map(orNothing));

const passwordChecks = (minLength: number): readonly Check[] => [
  noNul,
  (given) => (Buffer.byteLength(given) < minLength ? `must have at least ${minLength} bytes` : undefined),
  (given) =>
    Buffer.byteLength(given) > LIMITS.passwordBytes ? `must have at most ${LIMITS.passwordBytes} bytes` : undefined,
];

/** A password that is compared, not set: anything but nothing and U+0000. */
export const givenPassword = () => checked((raw) => raw, present, noNul);

/** 1 to 64 visible ASCII characters, or none: not idempotent. */
export const requestId = () =>
  checked(
    (raw) => raw,
    (given) => (/^[\x21-\x7e]{0,64}$/.test(given) ? undefined : 'must be 1 to 64 visible ASCII characters'),
  );

/** The conventions of every mutation that names a customer or group. */
export const expectedRevision = () => z.number().int().optional();

/** At most 1,000 ids: counted before any of them is looked at, a request of 1 MiB can hold half a million. */
export const ids = (prefix: IdPrefix) =>
  z
    .array(z.string())
    .max(1_000, 'must have at most 1,000 ids')
    .pipe(z.array(id(prefix)));

/** 1 to 1,000 ids. */
export const idList = (prefix: IdPrefix) => z.array(z.string()).min(1, 'is required').pipe(ids(prefix));
