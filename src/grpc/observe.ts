import type { Logger } from '../logger';

/** What is known of a call once it has ended. */
export type EndedCall = {
  readonly id: string;
  readonly method: string;
  readonly caller: string;
  readonly traceparent: string | undefined;
  /** Name of the status code. */
  readonly code: string;
  readonly ms: number;
};

/** Milliseconds of a call so far, to a hundredth; `startedAt` by the process' monotonic clock. */
export const msSince = (startedAt: number): number => Math.round((performance.now() - startedAt) * 100) / 100;

/** Told of every call of ours as it starts and ends; health and reflection are not told of. */
export type Observer = { readonly started: (method: string) => void; readonly ended: (call: EndedCall) => void };

/** One line a call at `info`, without personal data. */
export const logCalls = (log: Logger): Observer => ({
  started: () => undefined,
  ended: ({ id, method, caller, traceparent, code, ms }) => {
    log.info({ method, code, ms, caller, call_id: id, trace_id: traceparent?.slice(3, 35) }, 'call');
  },
});
