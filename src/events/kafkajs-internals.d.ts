/** The one internal of kafkajs that we mend, see kafka.ts. */
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
