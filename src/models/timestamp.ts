import type { Duration } from '../gen/google/protobuf/duration';
import type { Timestamp } from '../gen/google/protobuf/timestamp';

/** Floor division: a time before 1970 with a fraction still has nanos that are not negative. */
export const toTimestamp = (date: Date): Timestamp => {
  const seconds = Math.floor(date.getTime() / 1000);
  return { seconds, nanos: (date.getTime() - seconds * 1000) * 1_000_000 };
};

/** Of milliseconds, not negative. */
export const toDuration = (ms: number): Duration => ({
  seconds: Math.floor(ms / 1_000),
  nanos: Math.floor(ms % 1_000) * 1_000_000,
});
