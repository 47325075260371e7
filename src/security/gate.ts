import { DomainError } from '../errors';

/** How long somebody waits for a turn: a call is one. */
export type Patience = {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** Aborted, with a DomainError as its reason, when nobody waits for the outcome any more. */
  readonly signal: AbortSignal;
};

/** Lets a bounded number of works run at a time, in the order they came; a bounded number waits. */
export type Gate = {
  /**
   * The outcome of the work. Throws without having started it: OVERLOADED at once when too many wait, DEADLINE_EXCEEDED
   * or CANCELLED when the patience ends first. What has left the queue takes no turn.
   */
  readonly inTurn: <Result>(patience: Patience, work: () => Promise<Result>) => Promise<Result>;
  readonly isFull: () => boolean;
  readonly stats: () => { readonly running: number; readonly queued: number };
};

type Waiting = { readonly deadline: number; readonly start: () => void; readonly giveUp: (reason: unknown) => void };

/** What a gate says to those that it does not let in. */
export type GateTexts = { readonly late: string; readonly full: string };

const HASHING: GateTexts = {
  late: 'The deadline passed before the password could be hashed',
  full: 'Too many passwords are waiting to be hashed, try again',
};

/** OVERLOADED: nothing was hashed, and nothing was counted. */
export const tooManyWait = (texts: GateTexts = HASHING): DomainError => new DomainError('OVERLOADED', texts.full);

export const createGate = (atOnce: number, maxQueued: number, texts: GateTexts = HASHING): Gate => {
  const deadlinePassed = (): DomainError => new DomainError('DEADLINE_EXCEEDED', texts.late);
  const queue = new Set<Waiting>();
  let running = 0;

  const isFull = (): boolean => running >= atOnce && queue.size >= maxQueued;

  const startNext = (): void => {
    for (const next of queue) {
      if (running >= atOnce) return;
      queue.delete(next);
      if (next.deadline <= Date.now()) {
        next.giveUp(deadlinePassed());
      } else {
        running += 1;
        next.start();
      }
    }
  };

  const turn = ({ deadline, signal }: Patience): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        queue.delete(waiting);
        waiting.giveUp(signal.reason);
      };
      const waiting: Waiting = {
        deadline,
        start: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
        giveUp: (reason) => {
          signal.removeEventListener('abort', leave);
          reject(reason instanceof Error ? reason : deadlinePassed());
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      queue.add(waiting);
      startNext();
    });

  return {
    isFull,
    inTurn: async (patience, work) => {
      patience.signal.throwIfAborted();
      if (isFull()) throw tooManyWait(texts);
      await turn(patience);
      try {
        return await work();
      } finally {
        running -= 1;
        startNext();
      }
    },
    stats: () => ({ running, queued: queue.size }),
  };
};
