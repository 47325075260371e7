import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Knex } from 'knex';
import { inPipeline, type Pipeline } from '../db/pipeline';
import { allowSilence } from '../db/silence';
import { DomainError } from '../errors';
import type { Origin } from '../events/record';
import { draftOver } from './decide';
import { lockAndRead } from './lock';
import type { Replies } from './replies';
import type { BatchState } from './state';
import type { Sequence, Work } from './work';
import { asWritten, writeRecord, writeRows } from './write';

/** Any work, whatever it answers. */
export type AnyWork = Work<unknown> | Sequence<unknown>;

/** What became of one work of a batch; `blocked`: a row of it is held elsewhere, and nothing of it took place. */
export type Outcome =
  | { readonly kind: 'done'; readonly reply: unknown }
  | { readonly kind: 'refused'; readonly error: unknown }
  | { readonly kind: 'blocked' };

export type Run = {
  /** Wait for rows that are held elsewhere, instead of skipping them. */
  readonly wait: boolean;
  /**
   * Set before the writes are sent, and COMMIT right behind them: from then on nobody but the server knows whether the
   * batch took place.
   */
  committing: boolean;
};

/** Statements and waiting for locks end with the longest deadline of a batch; a stream's work has no other. */
const LONGEST_MS = 30_000;

/** Decisions in one turn of the event loop, some 5 ms: a bulk batch holds up nobody's call. */
const PER_TURN = 100;

const remainingMs = (works: readonly AnyWork[]): number =>
  Math.min(LONGEST_MS, Math.max(50, ...works.map((work) => Math.ceil(work.call.deadline - Date.now()))));

const originOf = ({ call, identity }: AnyWork): Origin => ({
  actor: call.caller === '' ? null : call.caller,
  request_id: identity.request.request_id === '' ? null : identity.request.request_id,
  traceparent: call.traceparent ?? null,
});

/**
 * One batch: a transaction that locks, decides, writes and commits. Answers an outcome for each work, in their order.
 * What the database refuses is thrown, and then nothing took place, unless `run.committing` is set.
 */
export const runBatch = (knex: Knex, replies: Replies, works: readonly AnyWork[], run: Run): Promise<Outcome[]> =>
  inPipeline(knex, async ({ send, trx }) => {
    const limitMs = remainingMs(works);
    await allowSilence(trx, limitMs);
    const { state, blocked } = await lockAndRead(send, works, run.wait, limitMs);
    const written = asWritten(state);
    const outcomes: Outcome[] = [];
    for (const [index, work] of works.entries()) {
      if (index > 0 && index % PER_TURN === 0) await nextTurn();
      if (needsAny(work, blocked)) outcomes.push({ kind: 'blocked' });
      else if (run.wait && work.call.deadline <= Date.now()) outcomes.push(deadlinePassed());
      else if ('steps' in work) outcomes.push(decideSteps(send, replies, state, work));
      else outcomes.push(decide(replies, state, work));
    }
    run.committing = true;
    if (!works.some((work) => 'steps' in work)) writeRows(send, state, written);
    writeRecord(send, state);
    return outcomes;
  });

/** For a change that was not started, because its deadline passed while it waited. */
export const deadlinePassed = (): Outcome => ({
  kind: 'refused',
  error: new DomainError('DEADLINE_EXCEEDED', 'The deadline passed before the change could be made'),
});

const needsAny = (work: AnyWork, blocked: ReadonlySet<string>): boolean =>
  blocked.size > 0 && [...work.customers, ...(work.groups?.ids ?? [])].some((id) => blocked.has(id));

/** One decision on the state as the one before has left it. A throw refuses this work alone: nothing has to be undone. */
const decide = (replies: Replies, state: BatchState, work: Work<unknown>): Outcome => {
  try {
    const repeated = replies.find(state, work);
    if (repeated !== undefined) return { kind: 'done', reply: repeated.reply };
    const { draft, keep } = draftOver(state, originOf(work), new Date());
    const reply = work.decide(draft);
    replies.keep(state, work, reply);
    keep();
    return { kind: 'done', reply };
  } catch (error) {
    return { kind: 'refused', error };
  }
};

/** A refused step of a sequence: thrown, so that the transaction with the steps before it is rolled back. */
export class StepRefused extends Error {
  override readonly name = 'StepRefused';

  constructor(
    readonly step: number,
    readonly refusal: unknown,
  ) {
    super(`step ${step} was refused`, { cause: refusal });
  }
}

/** Steps one by one, each written before the next decides, so that each holds when it runs. */
const decideSteps = (send: Pipeline['send'], replies: Replies, state: BatchState, work: Sequence<unknown>): Outcome => {
  const repeated = replies.find(state, work);
  if (repeated !== undefined) return { kind: 'done', reply: repeated.reply };
  for (const [index, step] of work.steps.entries()) {
    const written = asWritten(state);
    const { draft, keep } = draftOver(state, originOf(work), new Date());
    try {
      step(draft);
    } catch (refusal) {
      throw new StepRefused(index, refusal);
    }
    keep();
    writeRows(send, state, written);
  }
  if (state.outbox.length > 0) work.also?.(send);
  const reply = work.answer();
  replies.keep(state, work, reply);
  return { kind: 'done', reply };
};
