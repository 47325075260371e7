/** Chance that can be had again: the same seed gives the same choices. */
export type Random = {
  /** From 0 to below `n`. */
  readonly below: (n: number) => number;
  readonly pick: <T>(from: readonly T[]) => T;
  readonly chance: (share: number) => boolean;
  readonly shuffled: <T>(from: readonly T[]) => T[];
  /** Chance of its own, so that one who draws more does not change what others draw. */
  readonly fork: () => Random;
};

/** mulberry32. */
const generator = (seed: number) => {
  let state = seed >>> 0;
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

export const createRandom = (seed: number): Random => {
  const next = generator(seed);
  const below = (n: number): number => Math.floor(next() * n);
  return {
    below,
    pick: (from) => from[below(from.length)]!,
    chance: (share) => next() < share,
    shuffled: (from) => {
      const rest = [...from];
      return from.map(() => rest.splice(below(rest.length), 1)[0]!);
    },
    fork: () => createRandom(Math.floor(next() * 2 ** 32)),
  };
};
