import { z } from 'zod';
import type { UnaryHandler } from '../../context';
import { DomainError } from '../../errors';
import { eventItem } from '../../events/event-item';
import type { GetEventRequest, GetEventResponse } from '../../gen/customer/v1/customer_event';
import { aggregateId } from '../../validation/event-filter';
import { validate } from '../../validation/validate';

const schema = z.object({ aggregate_id: aggregateId(), revision: z.number().int().min(1, 'is required') });

/** One event, by the revision that a reply has named; one that is not in the log yet is waited for. */
export const getEvent: UnaryHandler<GetEventRequest, GetEventResponse> = async (ctx, raw, call) => {
  const { aggregate_id, revision } = validate(schema, raw);
  let event = await ctx.eventLog.event(aggregate_id, revision);
  if (event === undefined) {
    await ctx.eventLog.settled(call.signal);
    event = await ctx.eventLog.event(aggregate_id, revision);
  }
  if (event === undefined) throw eventNotFound(`${aggregate_id}:${revision}`);
  return { item: eventItem(event) };
};

const eventNotFound = (id: string): DomainError =>
  new DomainError('EVENT_NOT_FOUND', `Event with id: ${id} was not found`, { resource: { type: 'event', name: id } });
