import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { genSaltSync, getRounds } from 'bcrypt';
import { Piscina } from 'piscina';
import { createGate, type Gate, type Patience } from './gate';
import { isScryptKdf, matchesScryptKdf } from './scrypt-kdf';

/**
 * Passwords are hashed by bcrypt, a bounded number at a time, in threads of low priority: a hash takes a core for a
 * quarter of a second, and a read should not have to wait for that core.
 */
export type Passwords = {
  /** Throws OVERLOADED when too many wait, DEADLINE_EXCEEDED or CANCELLED when its turn does not come in time. */
  readonly hash: (password: string, patience: Patience) => Promise<string>;
  /**
   * False for a hash of no known kind, for a password of more than 72 bytes, and for no hash at all. Whatever the hash,
   * a false answer costs what a comparison with one of ours costs; only a dearer hash costs more. Throws like `hash`.
   */
  readonly matches: (password: string, password_hash: string | undefined, patience: Patience) => Promise<boolean>;
  /** True for a hash of another cost or kind than new ones get. */
  readonly isOutdated: (password_hash: string) => boolean;
  /** True while every call of `hash` and `matches` would be OVERLOADED. */
  readonly isFull: Gate['isFull'];
  readonly stats: Gate['stats'];
};

/** bcrypt takes no notice of what comes after. */
const MAX_BYTES = 72;

/** A hash of this cost takes some 3.5 s. */
const MAX_BCRYPT_COST = 16;
const MIN_BCRYPT_COST = 4;

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

const isBcrypt = (text: string): boolean => {
  const cost = Number(BCRYPT.exec(text)?.[1]);
  return cost >= MIN_BCRYPT_COST && cost <= MAX_BCRYPT_COST;
};

/**
 * True for a hash that logins can be compared with: bcrypt (`$2a$`, `$2b$`, `$2y$`; cost 4 to 16) or scrypt-kdf in
 * base64. False for one that would take too long to compare, too.
 */
export const isKnownHash = (text: string): boolean => isBcrypt(text) || isScryptKdf(text);

/** A hash that no password has: a salt and a digest of zeros. */
const nobodys = (cost: number): string => `${genSaltSync(cost)}${'.'.repeat(31)}`;

/** Of the hashing threads, where the system knows one for threads (Linux): 0 is that of the service, 19 the lowest. */
const NICENESS = 10;
/** How long a thread waits for the next hash. */
const IDLE_MS = 60_000;

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
  const gate = createGate(atOnce, maxQueued);
  const threads = new Piscina({
    filename: join(__dirname, 'hash-worker.js'),
    minThreads: 0,
    maxThreads: atOnce,
    idleTimeout: IDLE_MS,
    niceIncrement: NICENESS,
  });
  const hash = (password: string): Promise<string> =>
    threads.run({ password, cost }, { name: 'hash' }) as Promise<string>;
  /** $2y$ is what others write for $2b$. */
  const compare = (password: string, password_hash: string): Promise<boolean> =>
    threads.run({ password, hash: password_hash.replace(/^\$2y\$/, '$2b$') }, { name: 'compare' }) as Promise<boolean>;

  /** The work of a comparison that is bound to fail: of one with a hash of `cost`, less what `done` has taken already. */
  const topUp = async (password: string, done: string | undefined): Promise<void> => {
    if (done === undefined || !isBcrypt(done)) {
      await compare(password, nobodys(cost));
      return;
    }
    // Each cost doubles the work, so that one more of each cost in between makes up for the difference.
    for (let less = getRounds(done); less < cost; less += 1) await compare(password, nobodys(less));
  };

  return {
    hash: (password, patience) => gate.inTurn(patience, () => hash(password)),
    matches: (password, password_hash, patience) =>
      gate.inTurn(patience, async () => {
        const against = Buffer.byteLength(password) <= MAX_BYTES ? password_hash : undefined;
        const isSame =
          against !== undefined &&
          (isBcrypt(against) ? await compare(password, against) : await matchesScryptKdf(password, against));
        if (!isSame) await topUp(password, against);
        return isSame;
      }),
    isOutdated: (password_hash) => !password_hash.startsWith('$2b$') || getRounds(password_hash) !== cost,
    isFull: gate.isFull,
    stats: gate.stats,
  };
};
