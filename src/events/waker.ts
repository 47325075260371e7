/** Lets a loop sleep until there is something to do. */
export type Waker = {
  readonly wake: () => void;
  /** Resolves after `ms` at the latest, at once when it was woken since it last slept. */
  readonly sleep: (ms: number) => Promise<void>;
};

export const createWaker = (): Waker => {
  let isAwake = false;
  let resolveSleep: (() => void) | undefined;
  return {
    wake: () => {
      isAwake = true;
      resolveSleep?.();
    },
    sleep: async (ms) => {
      if (!isAwake) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          resolveSleep = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        resolveSleep = undefined;
      }
      isAwake = false;
    },
  };
};

/** Milliseconds to wait after the nth failure in a row: 100, 200 … 2,000. */
export const backOff = (failures: number): number => Math.min(2_000, 100 * 2 ** Math.min(failures - 1, 5));
