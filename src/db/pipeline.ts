import type { Knex } from 'knex';
import type { Client } from 'pg';
import { inOneWrite } from './one-write';

/** A statement with a name, under which the server keeps it parsed and planned, once a connection. */
export type Statement = { readonly name: string; readonly text: string };

/** The nth `?` of the text stands for the nth value. */
export const prepare = (name: string, sql: string): Statement => {
  let place = 0;
  return { name, text: sql.replaceAll('?', () => `$${(place += 1)}`) };
};

/** A transaction whose statements leave at once, one behind the other, instead of one after the other's answer. */
export type Pipeline = {
  readonly trx: Knex.Transaction;
  /**
   * Answers the rows. Whoever does not need them need not wait: after a statement that fails the server takes none of
   * those behind it, COMMIT included, and the transaction throws what that first one threw.
   */
  readonly send: <Row = never>(statement: Statement, values?: readonly unknown[]) => Promise<Row[]>;
};

type Connected = { readonly acquireConnection: () => Promise<Client> };

/**
 * Runs work in a transaction. A round trip costs more than most statements, so BEGIN goes with the first of them (see
 * `createKnex`) and COMMIT right behind the last, once `work` has resolved. Throws the first error of them all.
 */
export const inPipeline = async <Result>(
  knex: Knex,
  work: (pipeline: Pipeline) => Promise<Result>,
): Promise<Result> => {
  const { statementNames } = knex.userParams as { readonly statementNames: boolean };
  const sent: Promise<unknown>[] = [];
  try {
    return await knex.transaction(async (trx) => {
      const client = await (trx.client as Connected).acquireConnection();
      const send = <Row>({ name, text }: Statement, values: readonly unknown[] = []): Promise<Row[]> => {
        if (trx.isCompleted()) return Promise.reject(new Error('the transaction has ended'));
        inOneWrite(client);
        const query = { text, values: [...values], ...(statementNames ? { name } : {}) };
        const rows = client.query<Row & object>(query).then((answer) => answer.rows);
        rows.catch(() => undefined);
        sent.push(rows);
        return rows;
      };
      return work({ trx, send });
    });
  } finally {
    // Goes before whatever the transaction made of it, a success included: a COMMIT behind a failure is no error.
    await Promise.all(sent);
  }
};
