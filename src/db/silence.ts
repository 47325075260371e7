import type { Socket } from 'node:net';
import type { Knex } from 'knex';
import type { Client } from 'pg';

/**
 * A server can go without a word: its machine dies, a firewall forgets the connection. What waits for an answer then, a
 * batch of changes and all that queue behind it, would wait for ever. So a connection that was silent for this long is
 * given up as if it were broken.
 */
const SILENCE_MS = 10_000;
/**
 * The same the other way round: a process can go without a word, and its transaction would hold the rows that it locked.
 * No transaction of ours waits for anything but the database, so the server ends one that was idle for so long.
 */
export const IDLE_IN_TRANSACTION_MS = 5_000;
/** The server may be this much later than the limit that it was given itself. */
const SLACK_MS = 2_000;

const streamOf = (client: Client): Socket =>
  (client as Client & { readonly connection: { readonly stream: Socket } }).connection.stream;

/** Ends a connection without a farewell, which nobody may be there to hear. */
export const cutOff = (client: Client): void =>
  void streamOf(client).destroy(new Error('Connection terminated: the server was silent for too long'));

/** Watches a new connection. One that is idle for so long goes too, and the pool makes another when it needs one. */
export const watchSilence = (client: Client): void => {
  streamOf(client).setTimeout(SILENCE_MS, () => cutOff(client));
};

/** Takes back what was allowed to a transaction before. */
export const resetSilence = (client: Client): void => void streamOf(client).setTimeout(SILENCE_MS);

/** Lets a transaction wait for each statement as long as the server may work on it, when that is long. */
export const allowSilence = async (trx: Knex.Transaction, statementTimeoutMs: number): Promise<void> => {
  const ms = statementTimeoutMs + SLACK_MS;
  if (ms <= SILENCE_MS) return;
  const { acquireConnection } = trx.client as { readonly acquireConnection: () => Promise<Client> };
  streamOf(await acquireConnection()).setTimeout(ms);
};
