import type { Knex } from 'knex';
import type { Config } from '../config';
import { inPipeline } from '../db/pipeline';
import type { Logger } from '../logger';
import { runBatch } from './batch';
import { lookUp } from './look-up';
import { createHeldKeys, createQueue, keysOf, type Entry, type Limits, type Queue } from './queue';
import { runAndDealWithRefusals } from './refuse';
import { createReplies } from './replies';
import type { Sequence, Work } from './work';

/** The change engine: the only writer of customers, their relations, groups, kept answers and the outbox. */
export type Changes = {
  /**
   * Makes one change, together with others that wait at the same moment, in one transaction; answers once it is
   * committed. Throws what the decision threw, OVERLOADED, TRANSACTION_CONFLICT, DATABASE_UNAVAILABLE,
   * REQUEST_ID_REUSED. A repeated request_id gets the first answer.
   */
  readonly run: <Reply>(work: Work<Reply>) => Promise<Reply>;
  /**
   * The same in a lane for loads of changes, where they go in larger batches, one at a time, so that the calls of others
   * stay quick. In order only among themselves.
   */
  readonly runInBulk: <Reply>(work: Work<Reply>) => Promise<Reply>;
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
  /** Called when a batch starts, with the time that its oldest change has waited. */
  readonly onBatch?: (size: number, waitedMs: number) => void;
};

const CALLS: Limits = { changes: 100, customers: 1_000, waiting: 5_000, batches: 4, slowBatches: 2 };
/** Larger batches cost less a change, but hold up the event loop, and calls on the same e-mails, for longer. */
const BULK: Limits = { changes: 500, customers: 1_000, waiting: 5_000, batches: 1, slowBatches: 1 };

/** Of a look-up outside of a batch. */
const REPLAY_LIMIT_MS = 5_000;

type Batch = { readonly entries: readonly Entry[]; readonly slow: boolean };

export const createChanges = ({ knex, config, log, onCommit, onBatch }: Options): Changes => {
  const taken = createHeldKeys();
  const calls = createQueue(CALLS, taken);
  const bulk = createQueue(BULK, taken);
  const replies = createReplies(config.tokenSecrets);
  const totals = { batches: 0, changes: 0 };
  let scheduled = false;
  let idle: (() => void)[] = [];

  const stats = (): ChangeStats => ({
    queued: calls.stats().queued + bulk.stats().queued,
    running: calls.stats().running + bulk.stats().running,
    ...totals,
  });

  const isIdle = (): boolean => stats().queued + stats().running === 0;

  /** Once per turn of the event loop: what arrives in one turn goes together, and nothing ever waits for a timer. */
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      for (const queue of [calls, bulk]) {
        for (let next = queue.take(); next !== undefined; next = queue.take()) void runEntries(queue, next);
      }
    });
  };

  const runEntries = async (queue: Queue, { entries, slow }: Batch): Promise<void> => {
    const settle = await settlements(queue, entries, slow);
    queue.release(entries, slow);
    onCommit();
    for (const done of settle) done();
    schedule();
    if (isIdle()) {
      for (const resolve of idle) resolve();
      idle = [];
    }
  };

  /** Runs the entries and answers how each is to be told; blocked ones are back in the queue by then. */
  const settlements = async (queue: Queue, entries: readonly Entry[], slow: boolean): Promise<(() => void)[]> => {
    onBatch?.(entries.length, performance.now() - Math.min(...entries.map(({ queuedAt }) => queuedAt)));
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

  const enqueue = <Reply>(queue: Queue, work: Work<Reply> | Sequence<Reply>): Promise<Reply> =>
    new Promise<Reply>((resolve, reject) => {
      queue.add({
        work: work as Work<unknown> | Sequence<unknown>,
        keys: keysOf(work as Work<unknown> | Sequence<unknown>),
        resolve: resolve as (reply: unknown) => void,
        reject,
        queuedAt: performance.now(),
        slow: false,
      });
      schedule();
    });

  return {
    run: (work) => enqueue(calls, work),
    runInBulk: (work) => enqueue(bulk, work),
    runSequence: (sequence) => enqueue(calls, sequence),
    replay: async (work) => {
      if (work.identity.request.request_id === '') return undefined;
      const found = await inPipeline(knex, ({ send }) => lookUp(send, [{ ...work, claims: {} }], REPLAY_LIMIT_MS));
      return replies.find(found, work)?.reply;
    },
    stats,
    drained: async () => {
      if (!isIdle()) await new Promise<void>((resolve) => idle.push(resolve));
    },
  };
};
