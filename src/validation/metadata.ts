import { z } from 'zod';
import type { Violation } from '../errors';
import type { Metadata } from '../models/customer';

/** Limits of metadata: UTF-8 bytes of its compact JSON, keys of the top object, depth (the top object is 1, lists count). */
const LIMITS = { bytes: 16 * 1024, keys: 100, depth: 10 } as const;

/** More faults are not told, so that no more are looked for: a request of 1 MiB can hold 100,000 keys. */
const MAX_FAULTS = 20;

/** What PostgreSQL's jsonb takes and gives back as it was: finite numbers, no U+0000, no minus zero. */
const faultOf = (value: unknown, depth: number): string | undefined => {
  // A google.protobuf.Value of no kind; as the value of a key it is as good as absent.
  if (value === undefined) return 'must not be without a value';
  if (typeof value === 'string') return value.includes('\0') ? 'must not contain U+0000' : undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'must be a finite number';
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > LIMITS.depth) return `must not be nested deeper than ${LIMITS.depth}`;
  for (const [key, part] of Object.entries(value)) {
    const fault = key.includes('\0') ? 'must not contain U+0000' : faultOf(part, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
};

const withoutMinusZero = (value: unknown): unknown => {
  if (typeof value === 'number') return value === 0 ? 0 : value;
  if (Array.isArray(value)) return value.map(withoutMinusZero);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutMinusZero(part)]));
};

/** What is wrong with metadata as a whole: its size and number of keys. Empty when nothing is. */
export const metadataFaults = (metadata: Metadata, field: string): Violation[] => {
  const keys = Object.keys(metadata).length;
  if (keys > LIMITS.keys) return [{ field, description: `must have at most ${LIMITS.keys} keys, not ${keys}` }];
  const bytes = Buffer.byteLength(JSON.stringify(metadata));
  if (bytes <= LIMITS.bytes) return [];
  return [{ field, description: `must have at most ${LIMITS.bytes} bytes as compact JSON, not ${bytes}` }];
};

/** Metadata of a request, absent is empty. Values are never trimmed; one fault a key, then the size of the whole. */
export const metadata = () =>
  z.unknown().transform((value, ctx): Metadata => {
    const object = (value ?? {}) as Metadata;
    let faults = 0;
    for (const [key, part] of Object.entries(object)) {
      const fault = key.includes('\0') ? 'must not contain U+0000' : faultOf(part, 2);
      if (fault === undefined) continue;
      faults += 1;
      ctx.addIssue({ code: 'custom', path: [key], message: fault });
      if (faults >= MAX_FAULTS) break;
    }
    const isSound = faults === 0;
    // Only what is not nested without end can be measured.
    if (isSound) {
      for (const { description } of metadataFaults(object, '')) ctx.addIssue({ code: 'custom', message: description });
    }
    return isSound ? (withoutMinusZero(object) as Metadata) : object;
  });

/** Merges shallowly: a key set to "" is deleted, null is stored (rule of the seed's setMetadata). */
export const mergeMetadata = (stored: Metadata, given: Metadata): Metadata =>
  Object.fromEntries(
    Object.entries({ ...stored, ...given }).filter(([key, value]) => !(Object.hasOwn(given, key) && value === '')),
  );
