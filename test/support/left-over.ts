/** What a test file has started and not stopped yet: idempotent steps that do so. */
const steps: (() => Promise<void>)[] = [];

/** Answers a step that stops something, once, at the end of the test file at the latest. */
export const stopsOnce = (stop: () => Promise<void>): (() => Promise<void>) => {
  let stopped: Promise<void> | undefined;
  const once = (): Promise<void> => (stopped ??= stop());
  steps.push(once);
  return once;
};

/** Stops what is left over, the youngest first. */
export const stopLeftOver = async (): Promise<void> => {
  for (const stop of steps.splice(0).reverse()) await stop();
};
