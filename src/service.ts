import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import { createChanges } from './changes/engine';
import type { Config } from './config';
import type { Context } from './context';
import { createKnex, poolStats } from './db/knex';
import { pendingMigrations } from './db/migrate';
import { isConnectionLoss } from './db/refusals';
import { watchDatabase } from './db/watch';
import { createNewest } from './events/newest';
import { startRelay, type Relay } from './events/relay';
import { logCalls } from './grpc/observe';
import { startServer } from './grpc/server';
import { startHousekeeping } from './housekeeping';
import { startHttp, type HttpServer } from './http';
import { jobsOf } from './jobs';
import type { Logger } from './logger';
import { createMetrics } from './metrics';
import { createEventStream } from './events/stream';
import { createEventLog } from './reads/event-log';
import { createEventTail } from './reads/event-tail';
import { createReads } from './reads/reads';
import { services } from './rpc/services';
import { createLogins } from './security/logins';
import { createPageTokens } from './security/page-tokens';
import { createPasswords } from './security/passwords';

/** A running service. */
export type Service = {
  readonly port: number;
  readonly httpPort: number | undefined;
  readonly context: Context;
  /** Drains and stops everything, in the order that fails no call; may be called more than once. */
  readonly stop: () => Promise<void>;
};

const DATABASE_WAIT_MS = 30_000;

/** Waits for a database that is starting, saying so; throws what it said last. */
const awaitDatabase = async (knex: Knex, log: Logger): Promise<void> => {
  const giveUpAt = Date.now() + DATABASE_WAIT_MS;
  for (;;) {
    try {
      await knex.raw('select 1');
      return;
    } catch (error) {
      if (Date.now() >= giveUpAt) throw error;
      log.info({ reason: isConnectionLoss(error) ? 'no connection' : String(error) }, 'waiting for the database');
      await delay(1_000);
    }
  }
};

/** The schema must be ours; production never migrates by itself. */
const checkSchema = async (knex: Knex): Promise<void> => {
  const pending = await pendingMigrations(knex);
  if (pending.length > 0) {
    throw new Error(`the database lacks ${pending.join(', ')}: run "npm run migrate" first`);
  }
};

const warnOfOpenDoors = (config: Config, log: Logger): void => {
  log.warn('no AUTH_POLICY_FILE: every caller may call everything');
  if (config.tls === undefined && !['127.0.0.1', '::1', 'localhost'].includes(config.host)) {
    log.warn({ host: config.host }, 'listening beyond this machine without TLS');
  }
};

/** Waits, but not for ever: after SHUTDOWN_GRACE_MS a batch may still wait for a row that somebody holds. */
const patiently = (work: Promise<unknown>): Promise<unknown> =>
  Promise.race([work, delay(2_000, undefined, { ref: false })]);

/** Starts the whole service, and answers once it is SERVING. */
export const startService = async (config: Config, log: Logger): Promise<Service> => {
  const knex = createKnex(config.database, log);
  const undo: (() => unknown)[] = [() => patiently(knex.destroy())];
  const stopAll = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    await awaitDatabase(knex, log);
    await checkSchema(knex);
    warnOfOpenDoors(config, log);

    const metrics = createMetrics();
    let relay: Relay | undefined;
    const eventLog = createEventLog(knex, () => relay?.wake());
    const newest = createNewest();
    const eventTail = createEventTail(eventLog, newest, log);
    undo.push(eventTail.stop);
    if (config.relay) {
      relay = startRelay({ config, log, newest, onLogged: eventTail.wake });
      undo.push(relay.stop, startHousekeeping(jobsOf(knex, config), log));
      metrics.watchRelay(relay.status);
    }
    const changes = createChanges({
      knex,
      config,
      log,
      onCommit: () => relay?.wake(),
      onBatch: metrics.batchStarted,
    });
    metrics.watchPool(() => poolStats(knex));
    undo.push(() => patiently(changes.drained()));
    const context: Context = {
      config,
      log,
      changes,
      eventLog,
      eventTail,
      reads: createReads(knex, config.database.poolSize),
      pageTokens: createPageTokens(config.tokenSecrets),
      eventStream: createEventStream(knex),
      passwords: createPasswords({ cost: config.bcryptCost }),
      logins: createLogins(knex, config),
    };
    metrics.watchContext(context);
    metrics.watchStream(context.eventStream);

    const calls = logCalls(log);
    const observer = {
      started: metrics.observer.started,
      ended: (call: Parameters<typeof calls.ended>[0]) => {
        metrics.observer.ended(call);
        calls.ended(call);
      },
    };
    const server = await startServer({ config, log, context, services, observer });
    undo.push(server.stop);
    let isReady = true;
    let http: HttpServer | undefined;
    if (config.httpPort !== 'off') {
      http = await startHttp({
        host: config.host,
        port: config.httpPort,
        isReady: () => isReady,
        metrics: metrics.text,
      });
      undo.splice(1, 0, http.stop);
    }
    const serve = (isThere: boolean): void => {
      isReady = isThere;
      server.setServing(isThere);
    };
    serve(true);
    const unwatch = watchDatabase(config.database.url, serve);
    undo.push(() => {
      unwatch();
      isReady = false;
    });

    let stopping: Promise<void> | undefined;
    const stop = (): Promise<void> => (stopping ??= stopAll());
    return { port: server.port, httpPort: http?.port, context, stop };
  } catch (error) {
    await stopAll();
    throw error;
  }
};
