import { EventItem } from '../gen/customer/v1/customer_event';
import { eventItem } from '../events/event-item';
import type { LoggedEvent } from '../events/logged-event';
import type { Newest } from '../events/newest';
import { backOff, createWaker } from '../events/waker';
import type { Logger } from '../logger';
import { atMostAtOnce } from './at-most-at-once';
import type { EventFilter, EventLog } from './event-log';

/** What a watcher gets at a time: encoded EventItems, and up to where it has everything that matches. */
export type Piece = { readonly items: readonly Uint8Array[]; readonly checkpoint: number };

/** The log, live, for any number of watchers; one reader for all of them, none while nobody watches. */
export type EventTail = {
  /**
   * What matches after a position, without gap or repeat, as fast as it is taken. Ends when `signal` is aborted. Throws
   * POSITION_TOO_OLD when the log is cut behind a watcher that is too slow.
   */
  readonly watch: (after: number, filter: EventFilter, signal: AbortSignal) => AsyncGenerator<Piece, void>;
  /** There may be something new. */
  readonly wake: () => void;
  /** Lets go of what is in memory, the newest events too: something in the log was redacted by this process. */
  readonly forget: () => void;
  /** Resolves once nothing is read any more; only when every watcher has been told to end. */
  readonly stop: () => Promise<void>;
};

/** How much of the recent log is kept in memory for all watchers; who lies further behind reads for itself. */
const KEPT = { events: 4_096, bytes: 8 * 1024 * 1024 } as const;
const READ = { events: 1_000, bytes: 1024 * 1024, span: 1_000 } as const;
/** With a filter the database passes over what does not match, far quicker than we would. */
const FILTERED_READ = { ...READ, span: 20_000 } as const;
const READS_AT_ONCE = 2;
const PIECE = { items: 100, bytes: 1024 * 1024 } as const;
/** 10 s are promised. */
const CHECKPOINT_EVERY_MS = 9_000;
const IDLE_MS = { min: 50, max: 250 } as const;
const EVERYTHING: EventFilter = { aggregate_ids: [], types: [] };

/** An event in memory: encoded when the first watcher needs it, once for all. */
type Kept = Pick<LoggedEvent, 'position' | 'aggregate_id' | 'type'> & {
  readonly bytes: number;
  readonly encoded: () => Uint8Array;
};

const keep = (event: LoggedEvent): Kept => {
  const { position, aggregate_id, type } = event;
  let source: LoggedEvent | undefined = event;
  let bytes: Uint8Array | undefined;
  const encoded = (): Uint8Array => {
    if (source !== undefined) bytes = EventItem.encode(eventItem(source)).finish();
    source = undefined;
    return bytes ?? new Uint8Array();
  };
  return { position, aggregate_id, type, bytes: event.data.length, encoded };
};

/** What matches up to a position, all of it. */
type Found = { readonly events: readonly Kept[]; readonly until: number };

/** The end of the log in memory: consecutive positions, old ones forgotten. */
const createRecent = () => {
  let kept: Kept[] = [];
  let bytes = 0;
  return {
    add: (events: readonly LoggedEvent[]): void => {
      for (const event of events) {
        // What was recorded before has just been redacted in the log: it must not be told from memory.
        if (event.type === 'customer.erased') [kept, bytes] = [[], 0];
        kept.push(keep(event));
        bytes += event.data.length;
      }
      let old = Math.max(0, kept.length - KEPT.events);
      for (let index = 0; index < old; index += 1) bytes -= kept[index]?.bytes ?? 0;
      for (; bytes > KEPT.bytes && old < kept.length - 1; old += 1) bytes -= kept[old]?.bytes ?? 0;
      if (old > 0) kept = kept.slice(old);
    },
    forget: (): void => void ([kept, bytes] = [[], 0]),
    /** The next events that match after a position, one piece's worth; undefined when it does not reach back that far. */
    take: (after: number, matches: (event: Kept) => boolean): Found | undefined => {
      const first = kept[0]?.position ?? Infinity;
      if (first > after + 1) return undefined;
      const events: Kept[] = [];
      let until = after;
      for (let index = after + 1 - first; index < kept.length && events.length < PIECE.items; index += 1) {
        const event = kept[index];
        if (event === undefined) break;
        until = event.position;
        if (matches(event)) events.push(event);
      }
      return { events, until };
    },
  };
};

/** Cuts what matches into pieces that fit into a message each; the last one reaches `until`. */
function* piecesOf(events: readonly Kept[], until: number): Generator<Piece, void> {
  let items: Uint8Array[] = [];
  let bytes = 0;
  let checkpoint = 0;
  for (const event of events) {
    const item = event.encoded();
    if (items.length === PIECE.items || (items.length > 0 && bytes + item.length > PIECE.bytes)) {
      yield { items, checkpoint };
      [items, bytes] = [[], 0];
    }
    items.push(item);
    bytes += item.length;
    checkpoint = event.position;
  }
  yield { items, checkpoint: until };
}

export const createEventTail = (eventLog: EventLog, newest: Newest, log: Logger): EventTail => {
  const waker = createWaker();
  const recent = createRecent();
  const readOneOfFew = atMostAtOnce(READS_AT_ONCE);
  /** Called when the log has grown; each watcher that waits has one. */
  const waiting = new Set<() => void>();
  let watchers = 0;
  let isFollowing = false;
  let isStopped = false;
  let head = 0;

  /** What is under way in the database. */
  const running = new Set<Promise<unknown>>();
  const pending = <Result>(work: Promise<Result>): Promise<Result> => {
    running.add(work);
    const done = (): void => void running.delete(work);
    work.then(done, done);
    return work;
  };

  /** Reads what is new for as long as anybody watches. */
  const follow = async (): Promise<void> => {
    let idle: number = IDLE_MS.min;
    let failures = 0;
    while (watchers > 0 && !isStopped) {
      try {
        const events = newest.after(head) ?? (await eventLog.stretch(head, EVERYTHING, READ)).events;
        failures = 0;
        recent.add(events);
        head = events.at(-1)?.position ?? head;
        if (events.length > 0) {
          idle = IDLE_MS.min;
          for (const tell of [...waiting]) tell();
          continue;
        }
        await waker.sleep(idle);
        idle = Math.min(IDLE_MS.max, idle + 25);
      } catch (error) {
        failures += 1;
        log[failures === 1 ? 'error' : 'debug']({ err: error }, 'the log of events cannot be followed, trying again');
        await waker.sleep(backOff(failures));
      }
    }
    isFollowing = false;
    recent.forget();
  };

  const startFollowing = (from: number): void => {
    if (isFollowing) return;
    isFollowing = true;
    head = from;
    void pending(follow());
  };

  /** Resolves when the log has grown, after `ms`, or when `signal` is aborted. */
  const grown = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      waiting.add(done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });

  /** Only for a watcher that lies behind what is in memory; never more than one read is held for it. */
  const read = (after: number, filter: EventFilter, signal: AbortSignal): Promise<Found> => {
    const isFiltered = filter.aggregate_ids.length + filter.types.length > 0;
    return readOneOfFew(async () => {
      if (signal.aborted || isStopped) return { events: [], until: after };
      const limits = isFiltered ? FILTERED_READ : READ;
      const { events, until } = await pending(eventLog.stretch(after, filter, limits));
      return { events: events.map(keep), until };
    });
  };

  return {
    wake: waker.wake,
    forget: () => {
      newest.forget();
      recent.forget();
    },
    stop: async () => {
      isStopped = true;
      waker.wake();
      await Promise.allSettled(running);
    },
    watch: async function* watch(after, filter, signal) {
      const [ids, types] = [new Set(filter.aggregate_ids), new Set(filter.types)];
      const matches = ({ aggregate_id, type }: Kept): boolean =>
        (ids.size === 0 || ids.has(aggregate_id)) && (types.size === 0 || types.has(type));
      let at = after;
      let dueAt = performance.now() + CHECKPOINT_EVERY_MS;
      watchers += 1;
      try {
        startFollowing((await eventLog.range()).head);
        yield { items: [], checkpoint: at };
        while (!signal.aborted) {
          if (at >= head) await grown(dueAt - performance.now(), signal);
          const found =
            at < head ? (recent.take(at, matches) ?? (await read(at, filter, signal))) : { events: [], until: at };
          at = found.until;
          for (const piece of piecesOf(found.events, at)) {
            if (piece.items.length === 0 && performance.now() < dueAt) continue;
            yield piece;
            dueAt = performance.now() + CHECKPOINT_EVERY_MS;
          }
        }
      } finally {
        watchers -= 1;
        waker.wake();
      }
    },
  };
};
