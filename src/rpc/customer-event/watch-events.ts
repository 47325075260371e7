import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { z } from 'zod';
import type { ServerStreamHandler } from '../../context';
import type { Violation } from '../../errors';
import { CUSTOMER_EVENT_TYPES, GROUP_EVENT_TYPES } from '../../events/catalogue';
import type { WatchEventsRequest } from '../../gen/customer/v1/customer_event';
import type { Piece } from '../../reads/event-tail';
import { aggregateIds, eventTypes, position } from '../../validation/event-filter';
import { validate } from '../../validation/validate';

const schema = z.object({
  start: z
    .discriminatedUnion('$case', [
      z.object({ $case: z.literal('after_position'), value: position() }),
      z.object({ $case: z.literal('now'), value: z.boolean() }),
    ])
    .optional(),
  aggregate_ids: aggregateIds(),
  types: eventTypes([...CUSTOMER_EVENT_TYPES, ...GROUP_EVENT_TYPES]),
});

const nowIsTrue = ({ start }: z.input<typeof schema>): Violation[] =>
  start?.$case === 'now' && !start.value ? [{ field: 'now', description: 'must be true' }] : [];

/** The log, live, from any position on; the stream ends when the caller goes or the server drains. */
export const watchEvents: ServerStreamHandler<WatchEventsRequest, Piece> = async function* (ctx, raw, call) {
  const { start, ...filter } = validate(schema, raw, nowIsTrue);
  const isGiven = start?.$case === 'after_position';
  const after = isGiven ? start.value : (await ctx.eventLog.range()).head;
  if (isGiven) await ctx.eventLog.assertHolds(after);
  yield* ctx.eventTail.watch(after, filter, call.signal);
};

/** Field numbers of WatchEventsResponse, with the wire types of a message and of a varint. */
const TAGS = { items: (1 << 3) | 2, checkpoint: (2 << 3) | 0 } as const;

/** A WatchEventsResponse out of items that are encoded already, once for all watchers. */
export const encodeWatchEventsResponse = ({ items, checkpoint }: Piece): Uint8Array => {
  const writer = new BinaryWriter();
  for (const item of items) writer.uint32(TAGS.items).bytes(item);
  return writer.uint32(TAGS.checkpoint).uint64(checkpoint).finish();
};
