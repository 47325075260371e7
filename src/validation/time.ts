import { z } from 'zod';
import type { Timestamp } from '../gen/google/protobuf/timestamp';

/** The years 1 to 9999, as google.protobuf.Timestamp says. */
const SECONDS = { min: -62_135_596_800, max: 253_402_300_799 } as const;

/** Whether it is a time at all: any client can send numbers that are none. */
export const isTimestamp = ({ seconds, nanos }: Timestamp): boolean =>
  seconds >= SECONDS.min && seconds <= SECONDS.max && nanos >= 0 && nanos < 1_000_000_000;

/** A time that has come, or none; what is below a millisecond is cut off. */
export const pastTime = () =>
  z.custom<Timestamp | undefined>().transform((value, ctx): Date | undefined => {
    if (value === undefined) return undefined;
    const refuse = (message: string) => {
      ctx.addIssue({ code: 'custom', message });
      return z.NEVER;
    };
    if (!isTimestamp(value)) return refuse('must be a time of the years 1 to 9999');
    const date = new Date(value.seconds * 1_000 + Math.floor(value.nanos / 1_000_000));
    return date.getTime() <= Date.now() ? date : refuse('must not be in the future');
  });
