import { z } from 'zod';
import type { Context, UnaryHandler } from '../../context';
import type { Violation } from '../../errors';
import { CUSTOMER_EVENT_TYPES, GROUP_EVENT_TYPES } from '../../events/catalogue';
import { eventItem } from '../../events/event-item';
import type { LoggedEvent } from '../../events/logged-event';
import type { ListEventsRequest, ListEventsResponse } from '../../gen/customer/v1/customer_event';
import { aggregateId, eventTypes, position } from '../../validation/event-filter';
import { validate } from '../../validation/validate';

const PAGE = { default: 50, max: 1_000, bytes: 2 * 1024 * 1024, span: 20_000 } as const;

const schema = z.object({
  aggregate_id: z.literal('').or(aggregateId()),
  after_position: position().optional(),
  types: eventTypes([...CUSTOMER_EVENT_TYPES, ...GROUP_EVENT_TYPES]),
  page_size: z.number().int().min(0, 'must not be negative'),
  page_token: z.string(),
});
type Request = z.output<typeof schema>;

const eitherOr = ({ aggregate_id, after_position }: ListEventsRequest): Violation[] =>
  aggregate_id !== '' && after_position !== undefined
    ? [{ field: 'after_position', description: 'must not be given together with aggregate_id' }]
    : [];

/** What is recorded, of one customer or group or of all; a page of it. */
export const listEvents: UnaryHandler<ListEventsRequest, ListEventsResponse> = async (ctx, raw, call) => {
  const request = validate(schema, raw, eitherOr);
  const events = request.page_size === 0 ? PAGE.default : Math.min(request.page_size, PAGE.max);
  const { page_token, page_size: _, ...query } = request;
  const bound = { rpc: 'ListEvents', ...query };
  const cursor = ctx.pageTokens.read(page_token, bound);
  const after = cursor === undefined ? undefined : Number(cursor.key);
  if (after === undefined) await ctx.eventLog.settled(call.signal);
  const page = await (request.aggregate_id === '' ? pageOfAll : pageOfOne)(ctx, request, after, events);
  return {
    items: page.events.map(eventItem),
    next_page_token: page.next === undefined ? '' : ctx.pageTokens.make({ key: String(page.next), id: '' }, bound),
  };
};

/** `next`: where the next page begins, a revision or a position; undefined when this is the last one. */
type Page = { readonly events: readonly LoggedEvent[]; readonly next: number | undefined };

const pageOfOne = async (ctx: Context, request: Request, after: number | undefined, events: number): Promise<Page> => {
  const { aggregate_id, types } = request;
  const limits = { events, bytes: PAGE.bytes };
  const found = await ctx.eventLog.history(aggregate_id, after ?? 0, types, limits);
  return { events: found.events, next: found.isLast ? undefined : found.events.at(-1)?.revision };
};

const pageOfAll = async (ctx: Context, request: Request, after: number | undefined, events: number): Promise<Page> => {
  const { after_position, types } = request;
  const from = after ?? after_position ?? (await ctx.eventLog.range()).oldest - 1;
  if (after === undefined) await ctx.eventLog.assertHolds(from);
  const limits = { events, bytes: PAGE.bytes, span: PAGE.span };
  const found = await ctx.eventLog.stretch(from, { aggregate_ids: [], types }, limits);
  return { events: found.events, next: found.until < found.head ? found.until : undefined };
};
