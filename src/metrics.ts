import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Context } from './context';
import type { PoolStats } from './db/knex';
import type { RelayStatus } from './events/relay';
import type { Observer } from './grpc/observe';

/** Everything that is measured, for `/metrics`. One registry a service, so that several fit into one process. */
export type Metrics = {
  readonly observer: Observer;
  /** Prometheus text. */
  readonly text: () => Promise<string>;
  readonly watchContext: (context: Pick<Context, 'changes' | 'passwords'>) => void;
  readonly watchRelay: (status: () => RelayStatus) => void;
  readonly watchPool: (stats: () => PoolStats) => void;
  readonly batchStarted: (size: number, waitedMs: number) => void;
};

const memoized = <Value>(make: (key: string) => Value): ((key: string) => Value) => {
  const made = new Map<string, Value>();
  return (key) => {
    const value = made.get(key) ?? make(key);
    made.set(key, value);
    return value;
  };
};

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

  /** A gauge that is read when Prometheus asks. */
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect: function collect() {
        this.set(read());
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
      for (const { name } of status().sinks) {
        const sink = () => status().sinks.find((one) => one.name === name);
        const label = name.replaceAll('-', '_');
        gauge(`event_sink_${label}_position`, `Position reached by sink ${name}`, () => sink()?.position ?? 0);
        gauge(`event_sink_${label}_dead_letters`, `Events parked by sink ${name}`, () => sink()?.deadLetters ?? 0);
        gauge(`event_sink_${label}_leading`, `1 while this process leads sink ${name}`, () => Number(sink()?.leading));
      }
    },
  };
};
