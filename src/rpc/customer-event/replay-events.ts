import { z } from 'zod';
import type { Context, UnaryHandler } from '../../context';
import { DomainError, invalidRequest } from '../../errors';
import type { ReplayEventsRequest, ReplayEventsResponse } from '../../gen/customer/v1/customer_event';
import { position } from '../../validation/event-filter';
import { validate } from '../../validation/validate';

const schema = z.object({ after_position: position(), until_position: position().optional() });

/** Has a range of the log sent to the topics of events again. */
export const replayEvents: UnaryHandler<ReplayEventsRequest, ReplayEventsResponse> = async (ctx, raw) => {
  const { after_position: after, until_position } = validate(schema, raw);
  if (!(await hasKafka(ctx))) {
    throw new DomainError('KAFKA_NOT_CONFIGURED', 'There is no Kafka to send events to; WatchEvents reads them again');
  }
  await ctx.eventLog.assertHolds(after);
  const until = until_position ?? (await ctx.eventLog.range()).head;
  if (until <= after) {
    throw invalidRequest([{ field: 'until_position', description: 'must be above after_position' }]);
  }
  await ctx.eventLog.assertHolds(until);
  return { replay_id: await ctx.eventStream.replay(after, until), count: String(until - after) };
};

/** Kafka may be known to another process only, which has led the sink then. */
const hasKafka = async ({ config, eventStream }: Context): Promise<boolean> =>
  config.kafka !== undefined || (await eventStream.sinks()).some(({ name, isUsed }) => name === 'kafka' && isUsed);
