/** The internals of kafkajs that we mend, see kafkajs-mends.ts. */
declare module 'kafkajs/src/network/requestQueue' {
  type Queue = {
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    throttledUntil: number;
    pending: unknown[];
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
  };
  const RequestQueue: { readonly prototype: Queue };
  export default RequestQueue;
}

declare module 'kafkajs/src/protocol/encoder' {
  type Encoder = {
    buf: Buffer;
    offset: number;
    ensureAvailable(bytes: number): void;
    writeUVarInt(value: number): Encoder;
  };
  const EncoderClass: { readonly prototype: Encoder; nextPowerOfTwo: (value: number) => number };
  export default EncoderClass;
}
