import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { compare, getRounds, hash } from 'bcrypt';
import { DomainError } from '../errors';

/** Passwords are hashed by bcrypt, a bounded number at a time: the thread pool serves files and name look-ups as well. */
export type Passwords = {
  /** Throws OVERLOADED when too many wait, DEADLINE_EXCEEDED when its turn does not come before `deadline` (ms epoch). */
  readonly hash: (password: string, deadline: number) => Promise<string>;
  /**
   * False for a hash of no known kind, for a password of more than 72 bytes, and for no hash at all; in each case after
   * the same work. Throws like `hash`.
   */
  readonly matches: (password: string, password_hash: string | undefined, deadline: number) => Promise<boolean>;
  /** True for a hash of another cost or kind than new ones get. */
  readonly isOutdated: (password_hash: string) => boolean;
  readonly stats: () => { readonly running: number; readonly queued: number };
};

/** bcrypt takes no notice of what comes after. */
const MAX_BYTES = 72;

type Options = {
  readonly cost: number;
  /** Hashes at a time. */
  readonly atOnce?: number;
  /** How many may wait. */
  readonly maxQueued?: number;
};

export const createPasswords = ({
  cost,
  atOnce = Math.max(1, availableParallelism() - 1),
  maxQueued = 100,
}: Options): Passwords => {
  const queue: { readonly deadline: number; readonly start: (error?: DomainError) => void }[] = [];
  let running = 0;

  /** A hash that no password has, made once, to compare with when there is none. */
  let dummy: Promise<string> | undefined;
  const nobodys = (): Promise<string> => (dummy ??= hash(randomBytes(24).toString('base64'), cost));

  const startNext = (): void => {
    while (running < atOnce) {
      const next = queue.shift();
      if (next === undefined) return;
      if (next.deadline <= Date.now()) {
        next.start(new DomainError('DEADLINE_EXCEEDED', 'The deadline passed while the password waited to be hashed'));
      } else {
        running += 1;
        next.start();
      }
    }
  };

  const inTurn = async <Result>(deadline: number, work: () => Promise<Result>): Promise<Result> => {
    if (queue.length >= maxQueued) {
      throw new DomainError('OVERLOADED', 'Too many passwords are waiting to be hashed, try again');
    }
    await new Promise<void>((resolve, reject) => {
      queue.push({ deadline, start: (error) => (error === undefined ? resolve() : reject(error)) });
      startNext();
    });
    try {
      return await work();
    } finally {
      running -= 1;
      startNext();
    }
  };

  return {
    hash: (password, deadline) => inTurn(deadline, () => hash(password, cost)),
    matches: async (password, password_hash, deadline) => {
      const isComparable = password_hash !== undefined && Buffer.byteLength(password) <= MAX_BYTES;
      // $2y$ is what others write for $2b$.
      const against = isComparable ? password_hash.replace(/^\$2y\$/, '$2b$') : await nobodys();
      const isSame = await inTurn(deadline, () => compare(password, against));
      return isSame && isComparable;
    },
    isOutdated: (password_hash) => !password_hash.startsWith('$2b$') || getRounds(password_hash) !== cost,
    stats: () => ({ running, queued: queue.length }),
  };
};
