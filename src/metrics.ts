import { setTimeout as delay } from 'node:timers/promises';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Context } from './context';
import type { PoolStats } from './db/knex';
import type { RelayStatus } from './events/relay';
import type { EventStream, SinkProgress } from './events/stream';
import type { Observer } from './grpc/observe';
import { memoized } from './memoized';

/** Everything that is measured, for `/metrics`. One registry a service, so that several fit into one process. */
export type Metrics = {
  readonly observer: Observer;
  /** Prometheus text. */
  readonly text: () => Promise<string>;
  readonly watchContext: (context: Pick<Context, 'changes' | 'passwords'>) => void;
  readonly watchRelay: (status: () => RelayStatus) => void;
  readonly watchStream: (stream: Pick<EventStream, 'outboxPending' | 'sinks'>) => void;
  readonly watchPool: (stats: () => PoolStats) => void;
  readonly batchStarted: (size: number, waitedMs: number) => void;
};

type Series = readonly (readonly [string, number])[];

export const createMetrics = (): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const calls = new Counter({
    name: 'grpc_calls_total',
    help: 'Calls ended',
    labelNames: ['method', 'code'],
    registers,
  });
  const running = new Gauge({ name: 'grpc_calls_in_flight', help: 'Calls running', labelNames: ['method'], registers });
  const seconds = new Histogram({
    name: 'grpc_call_seconds',
    help: 'Time from the request to the answer',
    labelNames: ['method'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });

  const batchSize = new Histogram({
    name: 'change_batch_size',
    help: 'Changes that were made in one transaction',
    buckets: [1, 2, 5, 10, 20, 50, 100, 250],
    registers,
  });
  const batchWait = new Histogram({
    name: 'change_wait_seconds',
    help: 'Time that the oldest change of a batch waited before it started',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });

  /** What cannot be read within a second is left out, so that a database that is away takes no metrics with it. */
  const inTime = <Value>(read: Promise<Value> | Value): Promise<Value | undefined> =>
    Promise.race([read, delay(1_000, undefined, { ref: false })]).catch(() => undefined);

  /** A gauge that is read when Prometheus asks, for each sink. */
  const bySink = (name: string, help: string, read: () => Series | Promise<Series>): void => {
    new Gauge({
      name,
      help,
      labelNames: ['sink'],
      registers,
      collect: async function collect() {
        this.reset();
        for (const [sink, value] of (await inTime(read())) ?? []) this.set({ sink }, value);
      },
    });
  };

  const gauge = (name: string, help: string, read: () => number | Promise<number>): void => {
    new Gauge({
      name,
      help,
      registers,
      collect: async function collect() {
        this.set((await inTime(read())) ?? NaN);
      },
    });
  };

  /** The series of a method, looked up once: labels are hashed anew at every use. */
  const seriesOf = memoized((method: string) => ({
    running: running.labels(method),
    seconds: seconds.labels(method),
    ended: memoized((code: string) => calls.labels(method, code)),
  }));

  return {
    observer: {
      started: (method) => seriesOf(method).running.inc(),
      ended: ({ method, code, ms }) => {
        const series = seriesOf(method);
        series.running.dec();
        series.ended(code).inc();
        series.seconds.observe(ms / 1_000);
      },
    },
    text: () => registry.metrics(),
    batchStarted: (size, waitedMs) => {
      batchSize.observe(size);
      batchWait.observe(waitedMs / 1_000);
    },
    watchPool: (stats) => {
      gauge('database_pool_used', 'Connections at work', () => stats().used);
      gauge('database_pool_free', 'Connections that are idle', () => stats().free);
      gauge('database_pool_waiting', 'Calls that wait for a connection', () => stats().waiting);
    },
    watchContext: ({ changes, passwords }) => {
      gauge('change_queue_length', 'Changes waiting', () => changes.stats().queued);
      gauge('change_batches_running', 'Batches running', () => changes.stats().running);
      gauge('change_batches_total', 'Batches since the start', () => changes.stats().batches);
      gauge('changes_total', 'Changes since the start', () => changes.stats().changes);
      gauge('password_hashes_running', 'Passwords being hashed', () => passwords.stats().running);
      gauge('password_queue_length', 'Passwords waiting to be hashed', () => passwords.stats().queued);
    },
    watchRelay: (status) => {
      gauge('event_log_head', 'Position of the last event', () => status().head);
      bySink('event_sink_leading', '1 while this process leads the sink', () =>
        status().sinks.map(({ name, leading }) => [name, Number(leading)]),
      );
    },
    watchStream: ({ outboxPending, sinks }) => {
      gauge('event_outbox_pending', 'Events that are not in the log yet', outboxPending);
      const ofEach = (read: (sink: SinkProgress) => number) => async (): Promise<Series> =>
        (await sinks()).map((sink) => [sink.name, read(sink)]);
      bySink(
        'event_sink_position',
        'Position that the sink has reached',
        ofEach(({ position }) => position),
      );
      bySink(
        'event_sink_dead_letters',
        'Events that the sink has parked',
        ofEach(({ dead_letters }) => dead_letters),
      );
      bySink(
        'event_sink_lag_seconds',
        'Age of the oldest event that the sink has not sent',
        ofEach(({ oldest_pending: since }) => (since === null ? 0 : Math.max(0, Date.now() - since.getTime()) / 1_000)),
      );
    },
  };
};
