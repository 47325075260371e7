import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from '../logger';
import { refusedForItself, type Outbound, type Producer } from './kafka';
import type { Lease } from './lease';
import { ONE_SEND, readLog, type LoggedEvent } from './logged-event';
import type { Newest } from './newest';
import { createReplays } from './replays';
import { backOff, createWaker } from './waker';
import { messageOf } from '../errors';

/** A message and the event that it tells. */
export type Telling = Outbound & { readonly event: LoggedEvent };

/** What a sink makes of the log. */
export type SinkKind = {
  readonly name: 'kafka' | 'kafka-state';
  /** The messages of a run of events, in order; none for what this sink does not tell. */
  readonly messagesOf: (events: readonly LoggedEvent[]) => readonly Telling[] | Promise<readonly Telling[]>;
  /**
   * What is sent again after a crash must not be older than what was sent: the cursor is on disk before the next send.
   * Without, it is moved while others are sent, and a crash repeats a little more.
   */
  readonly neverGoesBack?: boolean;
  /** Milliseconds between two sends while there is no backlog, for a sink whose sends cost more than they carry. */
  readonly restMs?: number;
  /** The messages of events that are sent again; a sink without cannot be asked to. */
  readonly messagesAgain?: (events: readonly LoggedEvent[], replayId: string) => readonly Telling[];
};

export type SinkStatus = {
  readonly name: string;
  readonly leading: boolean;
  readonly position: number;
  readonly published: number;
  readonly deadLetters: number;
};

export type Sink = {
  readonly wake: () => void;
  /** Finishes the batch that is running and gives up the lead. */
  readonly stop: () => Promise<void>;
  readonly status: () => SinkStatus;
};

type Options = {
  readonly kind: SinkKind;
  readonly pool: Pool;
  readonly lease: Lease;
  readonly producer: Producer;
  readonly newest: Newest;
  /** Called before the first send after every gain of the lead and every failure. */
  readonly prepare: () => Promise<void>;
  readonly log: Logger;
};

/** So many at once are a backlog: more are read while they are sent, and nobody rests. */
const BEHIND = 100;
const RENEW_EVERY_MS = 500;
const IDLE_MS = { min: 50, max: 250 } as const;
/** The same failure is said again only so often while it goes on. */
const SAY_AGAIN_MS = 30_000;

/**
 * Carries the log to Kafka from this sink's cursor on, while it leads: sends, awaits every acknowledgement, moves the
 * cursor. The next events are read while some are sent. No transaction is open while Kafka is awaited; nothing is ever
 * dropped: what fails is sent again, for ever.
 */
export const startSink = ({ kind, pool, lease, producer, newest, prepare, log }: Options): Sink => {
  const { neverGoesBack = false, restMs, messagesAgain } = kind;
  const waker = createWaker();
  let isStopped = false;
  let isPrepared = false;
  /** Nothing lies beyond the cursor that may have been sent already. */
  let isClean = false;
  let position = 0;
  let published = 0;
  let deadLetters = 0;
  let failures = 0;
  let said = { reason: '', at: -Infinity };

  const fail = async (error: unknown, what: string): Promise<void> => {
    failures += 1;
    isPrepared = false;
    const reason = messageOf(error);
    if (reason !== said.reason || performance.now() - said.at > SAY_AGAIN_MS) {
      said = { reason, at: performance.now() };
      log.error({ err: error, sink: kind.name, failures }, what);
    }
    await delay(backOff(failures));
  };

  /**
   * A producer that connects shuts out the one before, who may be a newer leader's: we may have been frozen, or waited
   * for Kafka, beyond our lead. So it is asked for again after that, and what we hold is only sent while it lasts.
   */
  const send = async (messages: readonly Outbound[]): Promise<void> => {
    if ((await producer.connect()) && !(await lease.renew())) throw new Error('the lead went while Kafka connected');
    await producer.send(messages);
  };

  /**
   * Sends; halves what Kafka refuses for one message's sake until that one stands alone, and parks its event. Messages
   * are halved, not events: of a customer's states in this run none but the last is ever sent.
   */
  const deliver = async (messages: readonly Telling[]): Promise<void> => {
    const [first] = messages;
    if (first === undefined) return;
    try {
      await send(messages);
    } catch (error) {
      const reason = refusedForItself(error);
      if (reason === undefined) throw error;
      if (messages.length === 1) return park(first.event, reason);
      const half = Math.ceil(messages.length / 2);
      await deliver(messages.slice(0, half));
      await deliver(messages.slice(half));
    }
  };

  const park = async ({ position: parked, aggregate_id }: LoggedEvent, reason: string): Promise<void> => {
    await pool.query(
      `insert into event_dead_letters (sink, position, aggregate_id, reason) values ($1, $2, $3, $4)
       on conflict do nothing`,
      [kind.name, parked, aggregate_id, reason],
    );
    deadLetters += 1;
    log.error({ sink: kind.name, position: parked, aggregate_id, reason }, 'Kafka refuses an event; it is parked');
  };

  const replays = createReplays(pool, lease);
  const sendAgain = async (): Promise<boolean> =>
    messagesAgain !== undefined && replays.sendPart(position, (events, id) => deliver(messagesAgain(events, id)));

  /**
   * What was sent before, by us or by another, and not acknowledged, was all in the log; it is sent again at once and
   * whole, or a state that is last of it now would go back. Of what others wrote, only the log knows.
   */
  const read = async (after: number): Promise<readonly LoggedEvent[]> =>
    (isClean ? newest.after(after) : undefined) ?? (await readLog(pool, after, ONE_SEND));

  const readAhead = (after: number): Promise<readonly LoggedEvent[]> => {
    const events = read(after);
    // Whoever awaits it hears of a failure; nobody may, when the lead is lost meanwhile.
    events.catch(() => undefined);
    return events;
  };

  /**
   * Sends everything there is, new events first, for as long as this process leads. The cursor is moved behind those
   * acknowledged, and the next events of a backlog are read, while others are sent.
   */
  const sendAll = async (): Promise<void> => {
    let next = readAhead(position);
    let moved = Promise.resolve(true);
    try {
      while (!isStopped) {
        const events = await next;
        const last = events.at(-1);
        if (!lease.isHeld()) return;
        let following: Promise<readonly LoggedEvent[]> | undefined;
        if (last !== undefined) {
          const isBehind = events.length >= BEHIND;
          if (isBehind) following = readAhead(last.position);
          await deliver(await kind.messagesOf(events));
          if (!(await moved)) return;
          moved = lease.moveTo(last.position, neverGoesBack ? 'durable' : 'quick');
          moved.catch(() => undefined);
          if (neverGoesBack && !(await moved)) return;
          position = last.position;
          published += events.length;
          failures = 0;
          isClean = true;
          if (restMs !== undefined && !isBehind) await delay(restMs);
        }
        const hasSentAgain = await sendAgain();
        if (last === undefined && !hasSentAgain) return;
        next = following ?? readAhead(position);
      }
    } finally {
      await moved;
    }
  };

  const step = async (): Promise<void> => {
    if (!isPrepared || !lease.isHeld()) {
      const held = await lease.hold();
      if (!held.leading) return delay(RENEW_EVERY_MS);
      position = held.position;
      if (held.gained) isPrepared = false;
      if (!isPrepared) {
        await producer.discard();
        await prepare();
        isPrepared = true;
        isClean = false;
      }
    }
    const before = position;
    await sendAll();
    if (position > before) idle = IDLE_MS.min;
    await waker.sleep(idle);
    idle = Math.min(IDLE_MS.max, idle + 25);
  };

  let idle: number = IDLE_MS.min;
  const loop = async (): Promise<void> => {
    while (!isStopped) {
      await step().catch((error: unknown) => fail(error, 'events cannot be published, trying again'));
    }
  };

  // The lease is kept by a clock of its own: a long wait for Kafka must not lose it.
  const renewal = setInterval(() => {
    if (lease.isHeld()) lease.renew().catch(() => undefined);
  }, RENEW_EVERY_MS);
  const running = loop();

  return {
    wake: waker.wake,
    status: () => ({ name: kind.name, leading: lease.isHeld(), position, published, deadLetters }),
    stop: async () => {
      isStopped = true;
      waker.wake();
      await running;
      clearInterval(renewal);
      await producer.discard();
      await lease.release().catch(() => undefined);
    },
  };
};
