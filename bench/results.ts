import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Thrown where a measurement would begin after the time that the bench was given. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime';
}

/** What was measured, kept in a file as it comes, so that a bench that ended early goes on where it was. */
export type Results = {
  /** The figure kept under a name, else measures and keeps it. Throws OutOfTime. */
  readonly once: <Figure>(name: string, measure: () => Promise<Figure>) => Promise<Figure>;
  readonly has: (name: string) => boolean;
};

type Options = {
  readonly file: string;
  /** Go on with what the file holds; else it is begun anew. */
  readonly resume: boolean;
  readonly minutes: number;
};

export const openResults = ({ file, resume, minutes }: Options): Results => {
  const until = Date.now() + minutes * 60_000;
  mkdirSync(dirname(file), { recursive: true });
  if (!resume) rmSync(file, { force: true });
  const kept = (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}) as Record<string, unknown>;
  return {
    has: (name) => name in kept,
    once: async <Figure>(name: string, measure: () => Promise<Figure>): Promise<Figure> => {
      if (!(name in kept)) {
        if (Date.now() > until) throw new OutOfTime(`not measured in ${minutes} minutes: ${name}`);
        kept[name] = await measure();
        writeFileSync(file, JSON.stringify(kept, null, 1));
      }
      return kept[name] as Figure;
    },
  };
};
