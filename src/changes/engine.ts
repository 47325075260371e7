import type { Knex } from 'knex';
import type { Config } from '../config';
import type { Logger } from '../logger';
import { runBatch } from './batch';
import { lookUp } from './look-up';
import { createQueue, keysOf, type Entry } from './queue';
import { runAndDealWithRefusals } from './refuse';
import { createReplies } from './replies';
import { newBatchState } from './state';
import type { Sequence, Work } from './work';

/** The change engine: the only writer of customers, their relations, groups, kept answers and the outbox. */
export type Changes = {
  /**
   * Makes one change, together with others that wait at the same moment, in one transaction; answers once it is
   * committed. Throws what the decision threw, OVERLOADED, TRANSACTION_CONFLICT, DATABASE_UNAVAILABLE,
   * REQUEST_ID_REUSED. A repeated request_id gets the first answer.
   */
  readonly run: <Reply>(work: Work<Reply>) => Promise<Reply>;
  /** Makes several changes in a transaction of their own: all or nothing. Throws StepRefused. */
  readonly runSequence: <Reply>(sequence: Sequence<Reply>) => Promise<Reply>;
  /** The first answer to a request, for calls whose slow work would fail the second time; else undefined. */
  readonly replay: <Reply>(work: Omit<Work<Reply>, 'decide'>) => Promise<Reply | undefined>;
  readonly stats: () => ChangeStats;
  /** Resolves once nothing waits or runs. */
  readonly drained: () => Promise<void>;
};

export type ChangeStats = {
  readonly queued: number;
  readonly running: number;
  /** Since the start. */
  readonly batches: number;
  readonly changes: number;
};

type Options = {
  readonly knex: Knex;
  readonly config: Pick<Config, 'tokenSecrets'>;
  readonly log: Logger;
  /** Called after every commit. */
  readonly onCommit: () => void;
};

/** A look-up outside of a batch; the setting ends with its statement. */
const REPLAY_LIMIT_MS = 5_000;

export const createChanges = ({ knex, config, log, onCommit }: Options): Changes => {
  const queue = createQueue();
  const replies = createReplies(config.tokenSecrets);
  const totals = { batches: 0, changes: 0 };
  let scheduled = false;
  let idle: (() => void)[] = [];

  /** Once per turn of the event loop: what arrives in one turn goes together, and nothing ever waits for a timer. */
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      for (let next = queue.take(); next !== undefined; next = queue.take()) void runEntries(next.entries, next.slow);
    });
  };

  const runEntries = async (entries: readonly Entry[], slow: boolean): Promise<void> => {
    const settle = await settlements(entries, slow);
    queue.release(entries, slow);
    onCommit();
    for (const done of settle) done();
    schedule();
    const { queued, running } = queue.stats();
    if (queued + running === 0) {
      for (const resolve of idle) resolve();
      idle = [];
    }
  };

  /** Runs the entries and answers how each is to be told; blocked ones are back in the queue by then. */
  const settlements = async (entries: readonly Entry[], slow: boolean): Promise<(() => void)[]> => {
    totals.batches += 1;
    totals.changes += entries.length;
    try {
      const works = entries.map((entry) => entry.work);
      const outcomes = await runAndDealWithRefusals((some, run) => runBatch(knex, replies, some, run), works, slow);
      const blocked = entries.filter((_, index) => outcomes[index]?.kind === 'blocked');
      for (const entry of blocked) entry.slow = true;
      queue.putBack(blocked);
      return entries.map((entry, index) => {
        const outcome = outcomes[index];
        if (outcome?.kind === 'done') return () => entry.resolve(outcome.reply);
        if (outcome?.kind === 'refused') return () => entry.reject(outcome.error);
        return () => undefined;
      });
    } catch (error) {
      log.error({ err: error }, 'a batch of changes ended in an unexpected way');
      return entries.map((entry) => () => entry.reject(error));
    }
  };

  const enqueue = <Reply>(work: Work<Reply> | Sequence<Reply>): Promise<Reply> =>
    new Promise<Reply>((resolve, reject) => {
      queue.add({
        work: work as Work<unknown> | Sequence<unknown>,
        keys: keysOf(work as Work<unknown> | Sequence<unknown>),
        resolve: resolve as (reply: unknown) => void,
        reject,
        slow: false,
      });
      schedule();
    });

  return {
    run: enqueue,
    runSequence: enqueue,
    replay: async (work) => {
      if (work.identity.request.request_id === '') return undefined;
      const state = newBatchState();
      await lookUp(knex, [{ ...work, claims: {} }], state, REPLAY_LIMIT_MS);
      return replies.find(state, work)?.reply;
    },
    stats: () => ({ ...queue.stats(), ...totals }),
    drained: async () => {
      const { queued, running } = queue.stats();
      if (queued + running > 0) await new Promise<void>((resolve) => idle.push(resolve));
    },
  };
};
