import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool, type PoolConfig } from 'pg';
import type { Config } from '../config';
import { PLANNING } from '../db/planning';
import { IDLE_IN_TRANSACTION_MS } from '../db/silence';
import type { Logger } from '../logger';
import { createKafka } from './kafka';
import { createLease, LEASE_MS } from './lease';
import type { Newest } from './newest';
import { createResetTokens } from './reset-tokens';
import { createSequencer } from './sequencer';
import { startSink, type Sink, type SinkStatus } from './sink';
import { eventSink, stateSink } from './sinks';
import { backOff, createWaker } from './waker';

export type RelayStatus = {
  /** Position of the last event in the log, as far as this process knows. */
  readonly head: number;
  readonly sinks: readonly SinkStatus[];
};

/** What carries events from the outbox to the log and on to Kafka, in this process. */
export type Relay = {
  /** Something was committed: look at once. */
  readonly wake: () => void;
  /** Finishes what is running; within 5 s, Kafka away or not. */
  readonly stop: () => Promise<void>;
  /** As last known; asks nobody. */
  readonly status: () => RelayStatus;
};

const IDLE_MS = { min: 50, max: 250 } as const;
const STOP_WITHIN_MS = 5_000;

/** A server that is gone without a word never answers: after `query_timeout` the connection is given up. */
type Limits = Required<Pick<PoolConfig, 'max' | 'statement_timeout' | 'query_timeout' | 'connectionTimeoutMillis'>>;

const EVENTS: Limits = { max: 4, statement_timeout: 10_000, query_timeout: 12_000, connectionTimeoutMillis: 5_000 };

/** A lead that is asked for longer than it lasts is none: whoever stands by must not hang when it is given up. */
const LEASES: Limits = {
  max: 2,
  statement_timeout: LEASE_MS,
  query_timeout: LEASE_MS,
  connectionTimeoutMillis: LEASE_MS,
};

/** Pools of our own: the calls' connections are never waited for. */
const createPool = (url: string, limits: Limits, log: Logger): Pool => {
  const pool = new Pool({
    ...limits,
    connectionString: url,
    application_name: 'customer-relay',
    options: PLANNING,
    keepAlive: true,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  });
  // Without listeners a server that restarts would end the process.
  const note = (error: Error) => log.debug({ err: error }, 'a connection of the relay broke');
  pool.on('error', note);
  pool.on('connect', (client) => client.on('error', note));
  return pool;
};

const startSinks = (pool: Pool, leases: Pool, newest: Newest, config: Config, log: Logger): Sink[] => {
  const { kafka } = config;
  if (kafka === undefined) return [];
  const client = createKafka(kafka, log);
  const leader = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const start = (
    kind: Parameters<typeof startSink>[0]['kind'],
    producer: Parameters<typeof startSink>[0]['producer'],
  ) =>
    startSink({
      kind,
      producer,
      newest,
      pool,
      log,
      prepare: client.ensureTopics,
      lease: createLease(leases, kind.name, leader),
    });
  return [
    start(
      eventSink(kafka, config.eventSource, createResetTokens(pool, config.tokenSecrets[0])),
      client.plainProducer(),
    ),
    start(stateSink(kafka), client.transactionalProducer(`${kafka.topicPrefix}customer-state`)),
  ];
};

type Options = {
  readonly config: Config;
  readonly log: Logger;
  /** Gets what this process logs. */
  readonly newest: Newest;
  /** Called whenever events have come into the log by this process. */
  readonly onLogged?: () => void;
};

/** Never throws and never ends the process: whatever goes away is waited for. */
export const startRelay = ({ config, log, newest, onLogged }: Options): Relay => {
  const pool = createPool(config.database.url, EVENTS, log);
  const leases = createPool(config.database.url, LEASES, log);
  const waker = createWaker();
  const sequencer = createSequencer(pool, newest.isAskedFor);
  const sinks = startSinks(pool, leases, newest, config, log);
  let isStopped = false;
  let head = 0;
  let failures = 0;

  const loop = async (): Promise<void> => {
    let idle: number = IDLE_MS.min;
    while (!isStopped) {
      try {
        const from = performance.now();
        const round = await sequencer.round();
        failures = 0;
        head = round.head ?? head;
        if (round.moved > 0) {
          newest.put(round.events);
          for (const sink of sinks) sink.wake();
          onLogged?.();
          idle = IDLE_MS.min;
          // Half the time at most: a round costs hardly more for many events than for one.
          if (!round.behind) await delay(performance.now() - from);
        }
        if (!round.behind) {
          await waker.sleep(idle);
          idle = Math.min(IDLE_MS.max, idle + 25);
        }
      } catch (error) {
        failures += 1;
        log[failures === 1 ? 'error' : 'debug']({ err: error }, 'events cannot be sequenced, trying again');
        await delay(backOff(failures));
      }
    }
  };
  const running = loop();

  const finish = async (): Promise<void> => {
    await running;
    await Promise.all(sinks.map((sink) => sink.stop()));
    await Promise.all([pool.end(), leases.end()]);
  };
  return {
    wake: waker.wake,
    status: () => ({ head, sinks: sinks.map((sink) => sink.status()) }),
    stop: async () => {
      isStopped = true;
      waker.wake();
      await Promise.race([finish(), delay(STOP_WITHIN_MS, undefined, { ref: false })]);
    },
  };
};
