import { DomainError } from '../errors';
import type { AnyWork } from './batch';
import { holderKey, replyKey } from './state';

/** How much of a kind goes at once. */
export type Limits = {
  /** Changes in a batch. */
  readonly changes: number;
  /** Customers that a batch locks. */
  readonly customers: number;
  readonly waiting: number;
  readonly batches: number;
  readonly slowBatches: number;
};

/** A work on its way: waiting, running, or put back to wait for a row that somebody else holds. */
export type Entry = {
  readonly work: AnyWork;
  readonly keys: Keys;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** By the process' monotonic clock, in milliseconds. */
  readonly queuedAt: number;
  slow: boolean;
};

/** What a work must have to itself while it runs, and what it lets others have as well if they only share it. */
export type Keys = { readonly alone: readonly string[]; readonly shared: readonly string[] };

/**
 * The keys of a work within this process. Two works of which one wants alone what the other wants never run in two
 * batches at once, and keep their order within a queue. A group is shared by those that join it: were it not kept from
 * them while somebody waits to delete it, there would always be one more that holds its row.
 */
export const keysOf = ({ call, identity, customers, creates, claims, groups }: AnyWork): Keys => ({
  alone: [
    ...customers.map(holderKey.id),
    ...(creates ?? []).map(holderKey.id),
    ...(claims?.ids ?? []).map(holderKey.id),
    ...(claims?.emails ?? []).map((email) => `email ${email}`),
    ...(claims?.external_ids ?? []).map(holderKey.externalId),
    ...(claims?.group_names ?? []).map(holderKey.groupName),
    ...(groups?.mode === 'update' ? groups.ids.map(groupKey) : []),
    ...(identity.request.request_id === '' ? [] : [`reply ${replyKey(call.caller, identity.request.request_id)}`]),
  ],
  shared: groups?.mode === 'share' ? [...new Set(groups.ids)].map(groupKey) : [],
});

const groupKey = (id: string): string => `group ${id}`;

/** Keys that are held, alone or shared by a number of works. */
export type HeldKeys = {
  readonly allows: (keys: Keys) => boolean;
  readonly add: (keys: Keys) => void;
  readonly remove: (keys: Keys) => void;
};

export const createHeldKeys = (): HeldKeys => {
  const alone = new Set<string>();
  const sharers = new Map<string, number>();
  return {
    allows: (keys) =>
      !keys.alone.some((key) => alone.has(key) || sharers.has(key)) && !keys.shared.some((key) => alone.has(key)),
    add: (keys) => {
      for (const key of keys.alone) alone.add(key);
      for (const key of keys.shared) sharers.set(key, (sharers.get(key) ?? 0) + 1);
    },
    remove: (keys) => {
      for (const key of keys.alone) alone.delete(key);
      for (const key of keys.shared) {
        const left = (sharers.get(key) ?? 0) - 1;
        if (left > 0) sharers.set(key, left);
        else sharers.delete(key);
      }
    },
  };
};

export type Queue = {
  /** Throws OVERLOADED when it is full. */
  readonly add: (entry: Entry) => void;
  /** To the front: it was there before all that wait now. */
  readonly putBack: (entries: readonly Entry[]) => void;
  /** The next batch, its keys taken; undefined when nothing can start. */
  readonly take: () => { readonly entries: readonly Entry[]; readonly slow: boolean } | undefined;
  /** Gives back what `take` took. */
  readonly release: (entries: readonly Entry[], slow: boolean) => void;
  readonly stats: () => { readonly queued: number; readonly running: number };
};

/**
 * What waits when a batch starts goes together; the oldest goes first. A work that cannot go yet keeps its keys from the
 * younger ones, so that it is never overtaken by work on the same customers. Slow ones run apart, few at a time, so that
 * one held row never holds up the others. `taken` are the keys of what runs, one for all queues of a process.
 */
export const createQueue = (limits: Limits, taken: HeldKeys): Queue => {
  let waiting: Entry[] = [];
  const running = { fast: 0, slow: 0 };

  const take: Queue['take'] = () => {
    const reserved = createHeldKeys();
    const batch: Entry[] = [];
    const left: Entry[] = [];
    let customers = 0;
    let full = running.fast >= limits.batches;
    const slowFull = running.slow >= limits.slowBatches;
    if (full && slowFull) return undefined;
    for (const [index, entry] of waiting.entries()) {
      const isFree = taken.allows(entry.keys) && reserved.allows(entry.keys);
      if (entry.slow && isFree && !slowFull) return start(takeSlow(entry, index, reserved), true);
      const alone = 'steps' in entry.work;
      const fits =
        batch.length === 0 ||
        (!alone && batch.length < limits.changes && customers + entry.work.customers.length <= limits.customers);
      if (entry.slow || !isFree || full || !fits) {
        left.push(entry);
        reserved.add(entry.keys);
      } else {
        batch.push(entry);
        customers += entry.work.customers.length;
        full = alone || batch.length >= limits.changes;
      }
      if (full && slowFull) {
        left.push(...waiting.slice(index + 1));
        break;
      }
    }
    if (batch.length === 0) return undefined;
    waiting = left;
    return start(batch, false);
  };

  /**
   * A slow work, and the younger ones that ask for nothing but rows of its own: one wait does for all. Were they to wait
   * one by one, two processes that change one customer all the time would commit each change alone.
   */
  const takeSlow = (first: Entry, index: number, reserved: HeldKeys): Entry[] => {
    const rows = new Set(first.work.customers);
    const joins = ({ work, keys }: Entry): boolean =>
      !('steps' in first.work || 'steps' in work) &&
      work.groups === undefined &&
      work.customers.length > 0 &&
      work.customers.every((id) => rows.has(id)) &&
      taken.allows(keys) &&
      reserved.allows(keys);
    const together = [first];
    const left = waiting.slice(0, index);
    for (const entry of waiting.slice(index + 1)) {
      if (together.length < limits.changes && joins(entry)) {
        together.push(entry);
      } else {
        left.push(entry);
        reserved.add(entry.keys);
      }
    }
    waiting = left;
    return together;
  };

  const start = (entries: readonly Entry[], slow: boolean) => {
    for (const entry of entries) taken.add(entry.keys);
    running[slow ? 'slow' : 'fast'] += 1;
    return { entries, slow };
  };

  return {
    take,
    add: (entry) => {
      if (waiting.length >= limits.waiting) {
        throw new DomainError('OVERLOADED', 'Too many changes are waiting, try again');
      }
      waiting.push(entry);
    },
    putBack: (entries) => {
      waiting = [...entries, ...waiting];
    },
    release: (entries, slow) => {
      for (const entry of entries) taken.remove(entry.keys);
      running[slow ? 'slow' : 'fast'] -= 1;
    },
    stats: () => ({ queued: waiting.length, running: running.fast + running.slow }),
  };
};
