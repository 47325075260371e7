/** How much may be held before reading stops. */
export type Bounds = { readonly items: number; readonly weight: number };

/** What has arrived from a source and was not taken yet. */
export type Gathered<Item> = {
  /** Everything that is there now; reading goes on. */
  readonly take: () => Item[];
  /** True once there is something to take, false at the end. Throws what the source threw, once all is taken. */
  readonly more: () => Promise<boolean>;
};

/** Reads ahead of whoever takes, within bounds: what arrives while one lot is worked on makes the next. */
export const gather = <Item extends { readonly weight: number }>(
  source: AsyncIterable<Item>,
  bounds: Bounds,
): Gathered<Item> => {
  let held: Item[] = [];
  let weight = 0;
  let end: { readonly thrown?: unknown } | undefined;
  // One is enough: the reader waits only while much is held, the taker only while nothing is.
  let wake = (): void => undefined;
  const woken = (): Promise<void> => new Promise((resolve) => (wake = resolve));

  const read = async (): Promise<void> => {
    for await (const item of source) {
      held.push(item);
      weight += item.weight;
      wake();
      while (held.length >= bounds.items || weight >= bounds.weight) await woken();
    }
  };
  read().then(
    () => {
      end = {};
      wake();
    },
    (thrown: unknown) => {
      end = { thrown };
      wake();
    },
  );

  return {
    take: () => {
      const taken = held;
      held = [];
      weight = 0;
      wake();
      return taken;
    },
    more: async () => {
      while (held.length === 0 && end === undefined) await woken();
      if (held.length > 0) return true;
      if (end !== undefined && 'thrown' in end) throw end.thrown;
      return false;
    },
  };
};
