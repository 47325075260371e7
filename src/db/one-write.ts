import type { Writable } from 'node:stream';
import type { Client } from 'pg';

type Connected = { readonly connection: { readonly stream: Writable } };

/** What a connection sends in this turn of the event loop leaves in one write: a write costs more than a statement. */
export const inOneWrite = (client: Client): void => {
  const { stream } = (client as Client & Connected).connection;
  stream.cork();
  process.nextTick(() => {
    stream.uncork();
  });
};
