import knexFactory, { type Knex } from 'knex';
import type { Client, ClientConfig } from 'pg';
import type { Config } from '../config';
import type { Logger } from '../logger';
import { PipelinedClient } from './pipelined-client';
import { PLANNING } from './planning';
import { IDLE_IN_TRANSACTION_MS, resetSilence, watchSilence } from './silence';

/** Of statements outside of the change engine, which sets its own: a row held elsewhere never keeps a connection. */
const WAIT_FOR_LOCKS = { lock_timeout: 5_000 };

/**
 * The pool of the calls. Every statement on the hot path gets a constant name by `.options({ name })`, which spares the
 * server its parsing; `statementNames: false` takes the names away again, for poolers without prepared statements.
 */
export const createKnex = (database: Config['database'], log?: Pick<Logger, 'debug'>): Knex => {
  // What it says beside its errors is said by the errors as well.
  const note = (message: unknown): void => log?.debug({ message }, 'knex');
  const connection: ClientConfig = {
    connectionString: database.url,
    application_name: 'customer-service',
    // Lists and counts set their own.
    options: PLANNING,
    pipeline: true,
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    ...WAIT_FOR_LOCKS,
  };
  const knex = knexFactory({
    client: PipelinedClient,
    connection: connection as Knex.PgConnectionConfig,
    pool: {
      min: 0,
      max: database.poolSize,
      afterCreate: (client: Client, done: () => void) => {
        watchSilence(client);
        done();
      },
      validate: (client: Client) => {
        resetSilence(client);
        return true;
      },
    },
    acquireConnectionTimeout: 5_000,
    log: { debug: note, warn: note, error: note, deprecate: note },
    // Else the message of an error, and so the log, would hold the statement with its values.
    compileSqlOnError: false,
  }).withUserParams({ statementNames: database.statementNames });
  if (!database.statementNames) {
    knex.on('start', (builder: { options?: (options: object) => unknown }) => builder.options?.({ name: undefined }));
  }
  return knex;
};

/** The pool of the calls: connections at work, idle ones, and calls that wait for one. */
export type PoolStats = { readonly used: number; readonly free: number; readonly waiting: number };

export const poolStats = (knex: Knex): PoolStats => {
  const { pool } = knex.client as {
    readonly pool: Readonly<Record<'numUsed' | 'numFree' | 'numPendingAcquires', () => number>>;
  };
  return { used: pool.numUsed(), free: pool.numFree(), waiting: pool.numPendingAcquires() };
};
