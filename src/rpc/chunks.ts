import { weightOf } from './weight';

/** Items in a message of a stream; its weight, so that clients' default limit of 4 MiB holds whatever the items are. */
const MESSAGE = { items: 100, weight: 1024 * 1024 } as const;

/** Cuts a list into what fits in one message each; an item that is too heavy goes alone. */
export const chunksOf = function* <Item>(items: readonly Item[]): Generator<Item[]> {
  let chunk: Item[] = [];
  let weight = 0;
  for (const item of items) {
    const more = weightOf(item);
    if (chunk.length === MESSAGE.items || (chunk.length > 0 && weight + more > MESSAGE.weight)) {
      yield chunk;
      chunk = [];
      weight = 0;
    }
    chunk.push(item);
    weight += more;
  }
  if (chunk.length > 0) yield chunk;
};
