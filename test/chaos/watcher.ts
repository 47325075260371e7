import { setTimeout as delay } from 'node:timers/promises';
import { status, type ServiceError } from '@grpc/grpc-js';
import type { EventItem, WatchEventsResponse } from '../../src/gen/customer/v1/customer_event';
import type { Timestamp } from '../../src/gen/google/protobuf/timestamp';
import { connect } from '../support/client';
import type { SeenEvent } from './history';
import { CHANNEL } from './sendings';

/** Follows the live stream through every fault: what ends is begun again after the last checkpoint, on any service. */
export type Watcher = { readonly seen: readonly SeenEvent[]; readonly stop: () => void };

const isoOf = (at: Timestamp | undefined): string =>
  new Date((at?.seconds ?? 0) * 1_000 + Math.round((at?.nanos ?? 0) / 1e6)).toISOString();

const seenItem = ({ event, position }: EventItem): SeenEvent | undefined => {
  if (event === undefined) return undefined;
  const { value } = event;
  return {
    position: Number(position),
    aggregate_id: 'customer_id' in value ? value.customer_id : value.group_id,
    revision: value.revision,
    type: value.type,
    request_id: value.request_id ?? null,
    occurred_at: isoOf(value.occurred_at),
    customer: 'customer' in value ? { ...value.customer } : undefined,
  };
};

export const startWatcher = (ports: readonly number[], onProblem: (problem: string) => void): Watcher => {
  const clients = ports.map((port) => connect(port, CHANNEL));
  const seen: SeenEvent[] = [];
  let checkpoint = 0;
  let isStopped = false;
  let cancel = (): void => undefined;

  const take = (response: WatchEventsResponse): void => {
    seen.push(...response.items.flatMap((item) => seenItem(item) ?? []));
    const next = Number(response.checkpoint);
    if (next < checkpoint) onProblem(`a checkpoint of WatchEvents went back from ${checkpoint} to ${next}`);
    checkpoint = next;
  };

  const watchOn = (client: (typeof clients)[number]): Promise<void> =>
    new Promise((resolve) => {
      const start = { $case: 'after_position', value: String(checkpoint) } as const;
      const stream = client.events.watchEvents({ start, aggregate_ids: [], types: [] });
      cancel = () => stream.cancel();
      stream.on('data', take);
      stream.on('end', () => resolve());
      stream.on('error', ({ code, details }: ServiceError) => {
        if (![status.UNAVAILABLE, status.CANCELLED].includes(code)) {
          onProblem(`WatchEvents ended with ${status[code]}: ${details}`);
        }
        resolve();
      });
    });

  const follow = async (): Promise<void> => {
    for (let turn = 0; !isStopped; turn += 1) {
      await watchOn(clients[turn % clients.length]!);
      await delay(200);
    }
  };
  void follow();
  return {
    seen,
    stop: () => {
      isStopped = true;
      cancel();
      for (const client of clients) client.close();
    },
  };
};
