import { weightOf } from './weight';

/** Items in a message of a stream; its weight, so that clients' default limit of 4 MiB holds whatever the items are. */
const MESSAGE = { items: 100, weight: 1024 * 1024 } as const;

/** Of an answer, in bytes: clients take 4 MiB by default. */
const PAGE = { items: Infinity, weight: 4_000_000 } as const;
/** What an item costs beside its own bytes. */
const FRAME = 8;

/** Cuts a list into what fits in one message each; an item that is too heavy goes alone. */
export const chunksOf = function* <Item>(
  items: readonly Item[],
  weigh: (item: Item) => number = weightOf,
  limits: { readonly items: number; readonly weight: number } = MESSAGE,
): Generator<Item[]> {
  let chunk: Item[] = [];
  let weight = 0;
  for (const item of items) {
    const more = weigh(item);
    if (chunk.length === limits.items || (chunk.length > 0 && weight + more > limits.weight)) {
      yield chunk;
      chunk = [];
      weight = 0;
    }
    chunk.push(item);
    weight += more;
  }
  if (chunk.length > 0) yield chunk;
};

type Encoder<Item> = { readonly encode: (item: Item) => { readonly finish: () => Uint8Array } };

/** The first of a page, as many as fit in one answer, at least one; weighed exactly only where that may be needed. */
export const fitting = <Item>(items: readonly Item[], { encode }: Encoder<Item>): readonly Item[] => {
  if (weightOf(items) <= PAGE.weight) return items;
  const [first = []] = chunksOf(items, (item) => FRAME + encode(item).finish().length, PAGE);
  return first;
};
