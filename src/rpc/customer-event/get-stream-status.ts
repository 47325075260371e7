import type { UnaryHandler } from '../../context';
import type {
  GetStreamStatusRequest,
  GetStreamStatusResponse,
  GetStreamStatusResponse_Sink as Sink,
} from '../../gen/customer/v1/customer_event';
import { toDuration } from '../../models/timestamp';

/** How far the log reaches, and how far each sink has come with it. */
export const getStreamStatus: UnaryHandler<GetStreamStatusRequest, GetStreamStatusResponse> = async (ctx) => {
  const [outboxPending, sinks, replays] = await Promise.all([
    ctx.eventStream.outboxPending(),
    ctx.eventStream.sinks(),
    ctx.eventStream.replays(),
  ]);
  // Last, so that no sink is ahead of it.
  const { oldest, head } = await ctx.eventLog.range();
  const now = Date.now();
  const toSink = ({ name, position, oldest_pending, leader, dead_letters }: (typeof sinks)[number]): Sink => ({
    name,
    position: String(position),
    pending: String(head - position),
    oldest_pending_age: oldest_pending === null ? undefined : toDuration(Math.max(0, now - oldest_pending.getTime())),
    leader: leader ?? undefined,
    dead_letters,
  });
  return {
    oldest_position: String(oldest),
    head_position: String(head),
    outbox_pending: String(outboxPending),
    sinks: sinks.filter(({ isUsed }) => isUsed || ctx.config.kafka !== undefined).map(toSink),
    replays: replays.map(({ id, ...rest }) => ({ replay_id: id, ...rest })),
  };
};
