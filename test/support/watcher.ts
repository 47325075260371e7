import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { WatchEventsRequest, type EventItem, type WatchEventsResponse } from '../../src/gen/customer/v1/customer_event';
import { refusalOf, type Refusal, type TestClient } from './client';

/** A WatchEvents stream that keeps what it has got. */
export type Watcher = {
  readonly messages: readonly WatchEventsResponse[];
  readonly items: () => readonly EventItem[];
  readonly positions: () => readonly number[];
  readonly stream: ClientReadableStream<WatchEventsResponse>;
  /** Resolves once what it has got is enough. */
  readonly until: (isEnough: (watcher: Watcher) => boolean, ms?: number) => Promise<void>;
  /** Why it ended. */
  readonly ended: Promise<Refusal>;
  readonly cancel: () => void;
};

/** Starts to watch; `start` undefined is now. */
export const watch = (
  client: TestClient,
  start?: WatchEventsRequest['start'],
  filter: Partial<Pick<WatchEventsRequest, 'aggregate_ids' | 'types'>> = {},
): Watcher => {
  const stream = client.events.watchEvents(WatchEventsRequest.fromPartial({ ...filter, ...(start && { start }) }));
  const messages: WatchEventsResponse[] = [];
  let check = (): void => undefined;
  stream.on('data', (message: WatchEventsResponse) => {
    messages.push(message);
    check();
  });
  const ended = new Promise<Refusal>((resolve) => {
    stream.on('error', (error) => resolve(refusalOf(error as ServiceError)));
  });
  const items = () => messages.flatMap((message) => message.items);
  const watcher: Watcher = {
    messages,
    items,
    positions: () => items().map(({ position }) => Number(position)),
    stream,
    until: (isEnough, ms = 15_000) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          const last = messages.at(-1)?.checkpoint;
          reject(new Error(`not in time: ${items().length} items, checkpoint ${last}`));
        }, ms);
        void ended.then((refusal) => reject(new Error(`ended: ${JSON.stringify(refusal)}`)));
        check = () => {
          if (!isEnough(watcher)) return;
          clearTimeout(timer);
          resolve();
        };
        check();
      }),
    ended,
    cancel: () => stream.cancel(),
  };
  return watcher;
};
