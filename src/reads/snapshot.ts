import type { Knex } from 'knex';
import type { Call } from '../context';
import { statement } from '../db/statement';
import { createGate } from '../security/gate';

/** Reads that hold a connection for as long as they take: lists, counts, exports. */
export type Snapshots = {
  /**
   * Runs statements that all see the database as of one moment. Waits for a free connection, of which the pool keeps
   * four for everything else. When the call's deadline passes or its caller leaves, the statement that runs is cancelled
   * in the database. Throws OVERLOADED at once when too many wait.
   */
  readonly inSnapshot: <Result>(call: Patience, work: (trx: Knex.Transaction) => Promise<Result>) => Promise<Result>;
};

type Patience = Pick<Call, 'deadline' | 'signal'>;

const KEPT_FREE = 4;
const MAX_WAITING = 200;

/** No statement runs longer, not even for a stream without deadline. */
const MAX_STATEMENT_MS = 60_000;

export const createSnapshots = (knex: Knex, poolSize: number): Snapshots => {
  const gate = createGate(Math.max(1, poolSize - KEPT_FREE), MAX_WAITING, {
    late: 'The deadline passed while other lists and counts were running',
    full: 'Too many lists and counts are waiting, try again',
  });

  /** Limits what follows in the transaction, and cancels it when the call ends. Answers how to stop watching. */
  const endWithCall = async (
    trx: Knex.Transaction,
    { deadline, signal }: Patience,
  ): Promise<() => Promise<unknown>> => {
    const limit = Math.max(1, Math.min(Math.ceil(deadline - Date.now()), MAX_STATEMENT_MS));
    const { rows } = await statement<{ pid: number }>(
      trx,
      'begin_snapshot',
      `select pg_backend_pid() as pid, set_config('statement_timeout', ?, true),
              set_config('plan_cache_mode', 'auto', true), set_config('enable_seqscan', 'on', true)`,
      [String(limit)],
    );
    let cancelling: Promise<unknown> = Promise.resolve();
    const cancel = (): void => {
      // The deadline is the server's as well: what cannot be cancelled now ends by itself.
      cancelling = statement(knex, 'cancel', 'select pg_cancel_backend(?)', [rows[0]?.pid]).catch(() => undefined);
    };
    signal.addEventListener('abort', cancel, { once: true });
    return async () => {
      signal.removeEventListener('abort', cancel);
      // Else it could hit whatever this connection does next.
      await cancelling;
    };
  };

  return {
    inSnapshot: (call, work) =>
      gate.inTurn(call, () =>
        knex.transaction(
          async (trx) => {
            const stopWatching = await endWithCall(trx, call);
            try {
              call.signal.throwIfAborted();
              return await work(trx);
            } catch (error) {
              call.signal.throwIfAborted();
              throw error;
            } finally {
              await stopWatching();
            }
          },
          { isolationLevel: 'repeatable read', readOnly: true },
        ),
      ),
  };
};
