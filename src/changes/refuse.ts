import { asDomainError, isConflict, isConnectionLoss, sqlState } from '../db/refusals';
import { DomainError } from '../errors';
import { deadlinePassed, StepRefused, type AnyWork, type Outcome, type Run } from './batch';

/** How often a batch is run before a conflict is answered (the seed retries once). */
const TRIES = 3;

/** What the engine calls to run works in one transaction. */
export type RunBatch = (works: readonly AnyWork[], run: Run) => Promise<Outcome[]>;

const refused = (error: unknown): Outcome => ({ kind: 'refused', error });

/** 23505: somebody else took a name between our look-up and our write; a second look-up shows who. */
const isOvertaken = (error: unknown): boolean => sqlState(error) === '23505';

const jitter = (tries: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** tries));

/**
 * Runs a batch and deals with a database that refuses it. A conflict is run again, at most three times, then
 * TRANSACTION_CONFLICT. A lost connection is DATABASE_UNAVAILABLE for all, never run again: after COMMIT the outcome is
 * unknown. Whatever else the server refuses is the fault of one work: the batch is halved until that one stands alone.
 */
export const runAndDealWithRefusals = async (
  runBatch: RunBatch,
  works: readonly AnyWork[],
  wait: boolean,
  tries = 1,
): Promise<Outcome[]> => {
  const now = Date.now();
  if (works.some((work) => work.call.deadline <= now)) {
    const live = works.filter((work) => work.call.deadline > now);
    const outcomes = live.length === 0 ? [] : await runAndDealWithRefusals(runBatch, live, wait, tries);
    return works.map((work) => outcomes[live.indexOf(work)] ?? deadlinePassed());
  }
  const run: Run = { wait, committing: false };
  const again = (some: readonly AnyWork[], nextTry: number) => runAndDealWithRefusals(runBatch, some, wait, nextTry);
  try {
    return await runBatch(works, run);
  } catch (error) {
    const all = (answer: unknown) => works.map(() => refused(answer));
    if (error instanceof StepRefused) return all(error);
    if (run.committing && isConnectionLoss(error)) return all(outcomeUnknown(error));
    if (wait && sqlState(error) === '55P03') return works.map(deadlinePassed);
    if (isConflict(error) || isOvertaken(error)) {
      const limit = isOvertaken(error) && works.length > 1 ? 2 : TRIES;
      if (tries < limit) {
        await jitter(tries);
        return again(works, tries + 1);
      }
      if (isConflict(error) || works.length === 1) return all(conflict(error));
    }
    const known = asDomainError(error);
    if (known !== undefined || works.length === 1) return all(known ?? error);
    const half = Math.ceil(works.length / 2);
    return [...(await again(works.slice(0, half), 1)), ...(await again(works.slice(half), 1))];
  }
};

const conflict = (cause: unknown): DomainError =>
  new DomainError('TRANSACTION_CONFLICT', 'Other changes were in the way, try again', { cause });

const outcomeUnknown = (cause: unknown): DomainError =>
  new DomainError(
    'DATABASE_UNAVAILABLE',
    'The database went away while it committed: the outcome is unknown, ask again with the same request_id',
    { cause },
  );
