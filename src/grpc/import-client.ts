import { setTimeout as delay } from 'node:timers/promises';
import type {
  CustomerServiceClient,
  ImportCustomersRequest,
  ImportCustomersResponse,
  ImportCustomersResponse_Result,
} from '../gen/customer/v1/customer';
import { isPassing } from './client';

/** A row and where it came from. Its `customer.request_id` is what makes it safe to send twice. */
export type SourceRow = { readonly line: number; readonly request: ImportCustomersRequest };

export type ImportOptions = {
  readonly client: CustomerServiceClient;
  readonly rows: AsyncIterable<SourceRow>;
  /** Told of each row exactly once, in their order. */
  readonly onResult: (row: SourceRow, outcome: NonNullable<ImportCustomersResponse_Result['outcome']>) => void;
  /** Told when the stream broke and is taken up again. */
  readonly onRetry: (error: unknown) => void;
  readonly signal: AbortSignal;
};

/** Rows that were sent and not answered yet: they are kept, to be sent again. */
const WINDOW = 2_000;
/** Tries without any result in between, before an error that may pass is taken for one that does not. */
const TRIES = 12;

const backOff = (tries: number): number => Math.min(5_000, 100 * 2 ** tries) * (0.5 + Math.random() / 2);

/**
 * Imports every row. A stream that breaks is opened again and taken up at the first row without result. Throws when it
 * breaks for good, or the signal is aborted.
 */
export const importRows = async ({ client, rows, onResult, onRetry, signal }: ImportOptions): Promise<void> => {
  const source = rows[Symbol.asyncIterator]();
  const unanswered: SourceRow[] = [];
  // Kept when a stream breaks while the next row is being read.
  let reading: Promise<IteratorResult<SourceRow>> | undefined;
  let tries = 0;

  const attempt = async (): Promise<void> => {
    const stream = client.importCustomers();
    let answered = 0;
    let isOver = false;
    let wake = (): void => undefined;
    const woken = (): Promise<void> => new Promise((resolve) => (wake = resolve));
    // For after an await, where the compiler would think it knows.
    const hasEnded = (): boolean => isOver;
    const cancel = (): void => stream.cancel();
    signal.addEventListener('abort', cancel);

    const take = ({ results }: ImportCustomersResponse): void => {
      for (const { index, outcome } of results) {
        const row = unanswered.shift();
        if (row === undefined || outcome === undefined || index !== answered) {
          throw new Error(`the service answered row ${index} where row ${answered} was due`);
        }
        answered += 1;
        tries = 0;
        onResult(row, outcome);
      }
      wake();
    };
    const ended = new Promise<void>((resolve, reject) => {
      stream.on('data', (response: ImportCustomersResponse) => {
        try {
          take(response);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
          stream.cancel();
        }
      });
      stream.on('drain', () => wake());
      stream.on('end', resolve);
      stream.on('error', reject);
    }).finally(() => {
      isOver = true;
      signal.removeEventListener('abort', cancel);
      wake();
    });

    const send = async (): Promise<void> => {
      const again = [...unanswered];
      for (const row of again) {
        if (isOver) return;
        if (!stream.write(row.request)) await woken();
      }
      while (!isOver) {
        if (unanswered.length >= WINDOW || stream.writableNeedDrain) {
          await woken();
          continue;
        }
        reading ??= source.next();
        const next = await reading;
        if (hasEnded()) return;
        if (next.done === true) {
          stream.end();
          return;
        }
        reading = undefined;
        unanswered.push(next.value);
        stream.write(next.value.request);
      }
    };
    await Promise.all([ended, send()]);
  };

  for (;;) {
    // A stream is opened only when there is something to send: a slow source would have it ended.
    reading ??= source.next();
    if ((await reading).done === true && unanswered.length === 0) return;
    try {
      await attempt();
      return;
    } catch (error) {
      if (unanswered.length > 0) tries += 1;
      if (signal.aborted || !isPassing(error) || tries >= TRIES) throw error;
      onRetry(error);
      await delay(backOff(tries), undefined, { signal });
    }
  }
};
