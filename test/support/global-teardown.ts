import { rmSync } from 'node:fs';
import type { Started } from './global-setup';

const globalTeardown = async (): Promise<void> => {
  const { started } = globalThis as unknown as { readonly started: Started };
  for (const backEnd of started.backEnds) await backEnd.stop();
  rmSync(started.dir, { recursive: true, force: true });
};

export default globalTeardown;
