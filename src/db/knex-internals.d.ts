/** The internals of knex that `PipelinedClient` extends. */
declare module 'knex/lib/dialects/postgres/execution/pg-transaction' {
  import type { Client } from 'pg';
  import type { Knex } from 'knex';
  const Transaction: new (client: Knex.Client, ...rest: unknown[]) => { begin(connection: Client): Promise<unknown> };
  export default Transaction;
}

declare module 'knex/lib/dialects/postgres' {
  import type { Knex } from 'knex';
  const PostgresClient: typeof Knex.Client;
  export default PostgresClient;
}
