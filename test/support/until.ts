import { setTimeout as delay } from 'node:timers/promises';

/** Waits until something holds, asking 20 times a second; gives up after 15 s. */
export const until = async (holds: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; tries < 300; tries += 1) {
    if (await holds()) return;
    await delay(50);
  }
  throw new Error('did not come to hold within 15 s');
};
