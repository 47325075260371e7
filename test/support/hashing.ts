import { Piscina } from 'piscina';

type Compare = { readonly hash: string };

/** Sees what the hashing threads are asked for, until `restore`. */
export const watchHashing = () => {
  const run = jest.spyOn(Piscina.prototype, 'run');
  return {
    run,
    /** The hashes that passwords were compared with. */
    comparedWith: (): string[] =>
      run.mock.calls.flatMap(([task, options]) => (options?.name === 'compare' ? [(task as Compare).hash] : [])),
    restore: () => run.mockRestore(),
  };
};
