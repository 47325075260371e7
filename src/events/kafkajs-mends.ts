import RequestQueue from 'kafkajs/src/network/requestQueue';
import Encoder from 'kafkajs/src/protocol/encoder';

/**
 * kafkajs wakes up every millisecond on each idle connection (4 % of a core, and a warning on newer Node). With nothing
 * pending there is nothing to check; the next request schedules again.
 */
RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleCheckPendingRequests() {
  if (this.throttleCheckTimeoutId) return;
  const wait = this.throttledUntil - Date.now();
  if (this.pending.length === 0 && wait <= 0) return;
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    },
    wait > 0 ? wait : 10,
  );
};

/** What kafkajs asks for when nobody says how much: half a KiB, for each header of each message. */
const DEFAULT_SIZE = 511;
/** V8 keeps a buffer of this size on its heap, which costs a tenth. It grows when it must. */
const SMALL = 64;

const powerOfTwoAbove = (value: number): number => 1 << (32 - Math.clz32(value));

/** From now on asked by the constructor alone: whoever needs room asks `ensureAvailable`. */
Encoder.nextPowerOfTwo = (value) => (value === DEFAULT_SIZE ? SMALL : powerOfTwoAbove(value));
Encoder.prototype.ensureAvailable = function ensureAvailable(length) {
  if (this.offset + length <= this.buf.length) return;
  const larger = Buffer.alloc(powerOfTwoAbove(this.offset + length));
  this.buf.copy(larger, 0, 0, this.offset);
  this.buf = larger;
};

/** The same bytes as the original's, written in place instead of through two arrays. */
Encoder.prototype.writeUVarInt = function writeUVarInt(value) {
  this.ensureAvailable(5);
  let rest = value >>> 0;
  while (rest > 0x7f) {
    this.buf[this.offset] = (rest & 0x7f) | 0x80;
    this.offset += 1;
    rest >>>= 7;
  }
  this.buf[this.offset] = rest;
  this.offset += 1;
  return this;
};
