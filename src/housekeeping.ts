import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from './logger';

/** Something to be done again and again, in small pieces, by every process alike. */
export type Job = {
  readonly name: string;
  readonly everyMs: number;
  /** One piece; answers whether there may be more to do at once. */
  readonly run: () => Promise<boolean>;
};

/** Does the jobs, each on its own, until it is stopped; stopping waits for the pieces that run. Never throws. */
export const startHousekeeping = (jobs: readonly Job[], log: Logger): (() => Promise<void>) => {
  const stopping = new AbortController();
  const keep = async ({ name, everyMs, run }: Job): Promise<void> => {
    while (!stopping.signal.aborted) {
      const isMore = await run().catch((error: unknown) => {
        log.warn({ err: error, job: name }, 'housekeeping failed, trying again');
        return false;
      });
      // Not all processes at the same moment.
      const pause = isMore ? 0 : everyMs * (0.75 + Math.random() / 2);
      await delay(pause, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = jobs.map(keep);
  return async () => {
    stopping.abort();
    await Promise.all(running);
  };
};
