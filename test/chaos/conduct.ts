import { setTimeout as delay } from 'node:timers/promises';
import { FAULTS, type Fault } from './faults';
import type { Ledger } from './ledger';
import type { Random } from './random';
import type { World } from './world';

/** A fault and when it was there. */
export type Struck = { readonly name: string; readonly startedAt: number; readonly endedAt: number };

type Options = {
  /** How long to go on; 0: each kind once. */
  readonly minutes: number;
  /** Only kinds whose names contain this. */
  readonly only: string | undefined;
  readonly say: (line: string) => void;
};

const FAILED: ReadonlySet<string> = new Set(['UNAVAILABLE', 'CANCELLED', 'INTERNAL', 'UNKNOWN']);

/** Strikes with every kind of fault in an order of chance, again and again while there is time. */
export const conduct = async (
  world: World,
  ledger: Ledger,
  random: Random,
  { minutes, only, say }: Options,
): Promise<Struck[]> => {
  const startedAt = Date.now();
  const until = startedAt + minutes * 60_000;
  const kinds = FAULTS.filter(({ name, isLong }) =>
    only === undefined ? minutes > 0 || isLong !== true : name.includes(only),
  );
  const struck: Struck[] = [];
  const strike = async (fault: Fault): Promise<void> => {
    await ledger.reachable();
    const began = Date.now();
    say(`[${((began - startedAt) / 1000).toFixed(1)} s] ${fault.name}`);
    await fault.strike(world, random);
    const ended = Date.now();
    struck.push({ name: fault.name, startedAt: began, endedAt: ended });
    if (fault.sparesCalls === true) {
      const failed = ledger.attempts.filter((one) => one.endedAt > began && FAILED.has(one.code));
      if (failed.length > 0) {
        const what = [...new Set(failed.map(({ code, message }) => `${code} ${message}`))].join('; ');
        world.problems.push(`${fault.name}: ${failed.length} calls failed (${what})`);
      }
    }
    await delay(300 + random.below(1_200));
  };
  do {
    for (const fault of random.shuffled(kinds)) {
      await strike(fault);
      if (minutes > 0 && Date.now() > until) break;
    }
  } while (Date.now() < until);
  await ledger.reachable();
  return struck;
};
