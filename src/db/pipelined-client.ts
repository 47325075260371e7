import PostgresClient from 'knex/lib/dialects/postgres';
import PostgresTransaction from 'knex/lib/dialects/postgres/execution/pg-transaction';
import type { Client } from 'pg';
import { inOneWrite } from './one-write';

/** Sends BEGIN and lets the first statement follow at once. Should BEGIN ever fail, the transaction is over by then. */
class PipelinedTransaction extends PostgresTransaction {
  override begin(connection: Client): Promise<void> {
    inOneWrite(connection);
    void super.begin(connection);
    return Promise.resolve();
  }
}

/** knex over connections in pg's pipeline mode, see `inPipeline`. */
export class PipelinedClient extends PostgresClient {
  override transaction(...rest: unknown[]): never {
    return new PipelinedTransaction(this, ...rest) as never;
  }
}
