import { DomainError } from '../errors';
import type { AnyWork } from './batch';
import { holderKey, replyKey } from './state';

const LIMITS = { changes: 100, customers: 1_000, waiting: 5_000, batches: 2, slowBatches: 2 } as const;

/** A work on its way: waiting, running, or put back to wait for a row that somebody else holds. */
export type Entry = {
  readonly work: AnyWork;
  readonly keys: readonly string[];
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
  slow: boolean;
};

/**
 * What a work must have to itself within this process, while it runs. Two works with a key in common never run in two
 * batches at once, and keep their order.
 */
export const keysOf = ({ call, identity, customers, creates, claims, groups }: AnyWork): string[] => [
  ...customers.map(holderKey.id),
  ...(creates ?? []).map(holderKey.id),
  ...(claims?.ids ?? []).map(holderKey.id),
  ...(claims?.emails ?? []).map((email) => `email ${email}`),
  ...(claims?.external_ids ?? []).map(holderKey.externalId),
  ...(claims?.group_names ?? []).map(holderKey.groupName),
  ...(groups?.mode === 'update' ? groups.ids.map((id) => `group ${id}`) : []),
  ...(identity.request.request_id === '' ? [] : [`reply ${replyKey(call.caller, identity.request.request_id)}`]),
];

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
 * younger ones, so that it is never overtaken by work on the same customers. A slow one runs alone, few at a time, so
 * that one held row never holds up the others.
 */
export const createQueue = (): Queue => {
  let waiting: Entry[] = [];
  const taken = new Set<string>();
  const running = { fast: 0, slow: 0 };

  const take: Queue['take'] = () => {
    const reserved = new Set<string>();
    const batch: Entry[] = [];
    const left: Entry[] = [];
    let customers = 0;
    let full = running.fast >= LIMITS.batches;
    const slowFull = running.slow >= LIMITS.slowBatches;
    if (full && slowFull) return undefined;
    for (const [index, entry] of waiting.entries()) {
      const isFree = !entry.keys.some((key) => taken.has(key) || reserved.has(key));
      if (entry.slow && isFree && !slowFull) {
        waiting.splice(index, 1);
        return start([entry], true);
      }
      const alone = 'steps' in entry.work;
      const fits =
        batch.length === 0 ||
        (!alone && batch.length < LIMITS.changes && customers + entry.work.customers.length <= LIMITS.customers);
      if (entry.slow || !isFree || full || !fits) {
        left.push(entry);
        for (const key of entry.keys) reserved.add(key);
      } else {
        batch.push(entry);
        customers += entry.work.customers.length;
        full = alone || batch.length >= LIMITS.changes;
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

  const start = (entries: readonly Entry[], slow: boolean) => {
    for (const entry of entries) for (const key of entry.keys) taken.add(key);
    running[slow ? 'slow' : 'fast'] += 1;
    return { entries, slow };
  };

  return {
    take,
    add: (entry) => {
      if (waiting.length >= LIMITS.waiting) {
        throw new DomainError('OVERLOADED', 'Too many changes are waiting, try again');
      }
      waiting.push(entry);
    },
    putBack: (entries) => {
      waiting = [...entries, ...waiting];
    },
    release: (entries, slow) => {
      for (const entry of entries) for (const key of entry.keys) taken.delete(key);
      running[slow ? 'slow' : 'fast'] -= 1;
    },
    stats: () => ({ queued: waiting.length, running: running.fast + running.slow }),
  };
};
