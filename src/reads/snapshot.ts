import type { Knex } from 'knex';
import type { Call } from '../context';
import { statement } from '../db/statement';
import { createGate } from '../security/gate';

/** Reads that hold a connection for as long as they take: lists, counts, exports. */
export type Snapshots = {
  /**
   * Runs statements that all see the database as of one moment, under settings of PostgreSQL for them alone. Waits for a
   * free connection, of which the pool keeps four for everything else. When the call's deadline passes or its caller
   * leaves, the statement that runs is cancelled in the database. Throws OVERLOADED at once when too many wait.
   */
  readonly inSnapshot: <Result>(
    call: Patience,
    work: (trx: Knex.Transaction) => Promise<Result>,
    settings?: Settings,
  ) => Promise<Result>;
};

type Settings = Readonly<Record<string, string>>;

type Patience = Pick<Call, 'deadline' | 'signal'>;

const KEPT_FREE = 4;
const MAX_WAITING = 200;

/** No statement runs longer, not even for a stream without deadline. */
const MAX_STATEMENT_MS = 60_000;

/** What is read here is no look-up by key, for which the pool's connections are set. */
const PLANNED_AS_USUAL: Settings = { plan_cache_mode: 'auto', enable_seqscan: 'on' };

export const createSnapshots = (knex: Knex, poolSize: number): Snapshots => {
  const gate = createGate(Math.max(1, poolSize - KEPT_FREE), MAX_WAITING, {
    late: 'The deadline passed while other lists and counts were running',
    full: 'Too many lists and counts are waiting, try again',
  });

  /**
   * Limits what follows in the transaction, which need not wait for that (see `createKnex`), and cancels it when the call
   * ends. Answers how to stop watching.
   */
  const endWithCall = (trx: Knex.Transaction, { deadline, signal }: Patience, settings: Settings) => {
    const limit = Math.max(1, Math.min(Math.ceil(deadline - Date.now()), MAX_STATEMENT_MS));
    const all = Object.entries({ ...PLANNED_AS_USUAL, ...settings, statement_timeout: String(limit) });
    const pid = trx
      .raw<{ rows: { pid: number }[] }[]>(
        `${all.map(([name, value]) => `set local ${name} = '${value}'`).join('; ')}; select pg_backend_pid() as pid`,
      )
      .then((results) => results.at(-1)?.rows[0]?.pid);
    let cancelling: Promise<unknown> = Promise.resolve();
    const cancel = (): void => {
      // The deadline is the server's as well: what cannot be cancelled now ends by itself.
      cancelling = pid
        .then((of) => statement(knex, 'cancel', 'select pg_cancel_backend(?)', [of]))
        .catch(() => undefined);
    };
    signal.addEventListener('abort', cancel, { once: true });
    return {
      limited: pid,
      stopWatching: async (): Promise<void> => {
        signal.removeEventListener('abort', cancel);
        // Else it could hit whatever this connection does next.
        await cancelling;
      },
    };
  };

  return {
    inSnapshot: (call, work, settings = {}) =>
      // Answered before the commit, which decides nothing; the turn ends after it.
      new Promise((answer, refuse) => {
        const read = async (trx: Knex.Transaction): Promise<void> => {
          call.signal.throwIfAborted();
          const { limited, stopWatching } = endWithCall(trx, call, settings);
          try {
            const [result] = await Promise.all([work(trx), limited]);
            answer(result);
          } catch (error) {
            call.signal.throwIfAborted();
            throw error;
          } finally {
            await stopWatching();
          }
        };
        gate
          .inTurn(call, () => knex.transaction(read, { isolationLevel: 'repeatable read', readOnly: true }))
          .catch(refuse);
      }),
  };
};
