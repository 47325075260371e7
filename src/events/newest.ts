import { ONE_SEND, type LoggedEvent } from './logged-event';

/** The end of the log as this process has just written it: who keeps up with it need not read it again. */
export type Newest = {
  /** Takes what was logged; empties what is here when events lie in between. */
  readonly put: (events: readonly LoggedEvent[]) => void;
  /** All that came after a position, perhaps nothing; undefined when only the log itself can tell. */
  readonly after: (position: number) => readonly LoggedEvent[] | undefined;
  /** Somebody was here a moment ago: a sink that leads, or whoever reads for the watchers. */
  readonly isAskedFor: () => boolean;
  /** Something in the log was redacted by this process. */
  readonly forget: () => void;
};

/** What another process erases meanwhile is redacted in the log, not here. */
const KEPT_MS = 1_000;
/** For so long nothing newer here means nothing newer at all; another process may write the log too. */
const NOTHING_MS = 50;

/** Whoever follows the log asks more often, or reads it once more. */
const ASKED_MS = 1_000;

/** Holds one send of a sink at most: what is sent again from the log is never less. */
export const createNewest = (): Newest => {
  let events: readonly LoggedEvent[] = [];
  let bytes = 0;
  let [beganAt, lastAt, askedAt] = [0, 0, -Infinity];

  return {
    forget: () => {
      [events, bytes] = [[], 0];
    },
    put: (next) => {
      const now = performance.now();
      const size = next.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0);
      const follows = events.at(-1)?.position === (next[0]?.position ?? 0) - 1;
      const fits = events.length + next.length <= ONE_SEND.events && bytes + size <= ONE_SEND.bytes;
      if (follows && fits && now - beganAt < KEPT_MS) {
        events = [...events, ...next];
        bytes += size;
      } else {
        events = size <= ONE_SEND.bytes ? next : [];
        bytes = size;
        beganAt = now;
      }
      lastAt = now;
    },
    isAskedFor: () => performance.now() - askedAt < ASKED_MS,
    after: (position) => {
      const now = performance.now();
      askedAt = now;
      const index = position + 1 - (events[0]?.position ?? Infinity);
      if (index < 0 || index > events.length || now - beganAt > KEPT_MS) return undefined;
      return index === events.length && now - lastAt > NOTHING_MS ? undefined : events.slice(index);
    },
  };
};
