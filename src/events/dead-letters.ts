import type { Pool } from 'pg';
import { newId } from '../models/ids';
import type { Outbound, Producer } from './kafka';
import { refusedForItself } from './kafka';
import { readLog, type LoggedEvent } from './logged-event';

/** An event that Kafka has refused for itself and that was set aside. */
export type DeadLetter = {
  readonly sink: 'kafka' | 'kafka-state';
  readonly position: string;
  readonly aggregate_id: string;
  readonly reason: string;
  readonly parked_at: Date;
};

/** What became of one that was to be sent again. */
export type Resent = {
  readonly letter: DeadLetter;
  readonly outcome: 'sent' | 'refused' | 'gone' | 'superseded' | 'waiting';
};

/** Everything that is set aside, by position. */
export const listDeadLetters = async (pool: Pool): Promise<DeadLetter[]> => {
  const { rows } = await pool.query<DeadLetter>(
    'select sink, position, aggregate_id, reason, parked_at from event_dead_letters order by position, sink',
  );
  return rows;
};

type Options = {
  readonly pool: Pool;
  readonly producer: Producer;
  readonly messagesAgain: (events: readonly LoggedEvent[], replayId: string) => readonly Outbound[];
};

const forget = async (pool: Pool, { sink, position }: DeadLetter): Promise<void> => {
  await pool.query('delete from event_dead_letters where sink = $1 and position = $2', [sink, position]);
};

/** A state is never sent later than its turn: it could replace a newer one. Once a newer one is out, nothing is missing. */
const isSuperseded = async (pool: Pool, { sink, position, aggregate_id }: DeadLetter): Promise<boolean> => {
  const { rows } = await pool.query(
    `select from customer_events as later
      where aggregate_id = $2 and position > $3
        and position <= (select position from event_cursors where name = $1)
        and not exists (select from event_dead_letters where sink = $1 and position = later.position) limit 1`,
    [sink, aggregate_id, position],
  );
  return rows.length > 0;
};

/**
 * Sends what sink 'kafka' has set aside once more, one by one in order, to the topics of events only, with the header
 * `ce_replay`; forgets each when it is acknowledged, so that one may be sent twice but none is lost. Throws, with the
 * rest still set aside, when Kafka cannot be reached.
 */
export const resendDeadLetters = async ({ pool, producer, messagesAgain }: Options): Promise<Resent[]> => {
  const replayId = newId('rpl');
  const resent: Resent[] = [];
  const outcomeOf = async (letter: DeadLetter): Promise<Resent['outcome']> => {
    if (letter.sink === 'kafka-state') return (await isSuperseded(pool, letter)) ? 'superseded' : 'waiting';
    const events = await readLog(pool, Number(letter.position) - 1, { events: 1, bytes: 1 });
    if (String(events[0]?.position) !== letter.position) return 'gone';
    try {
      await producer.connect();
      await producer.send(messagesAgain(events, replayId));
      return 'sent';
    } catch (error) {
      if (refusedForItself(error) === undefined) throw error;
      return 'refused';
    }
  };
  for (const letter of await listDeadLetters(pool)) {
    const outcome = await outcomeOf(letter);
    if (outcome !== 'refused' && outcome !== 'waiting') await forget(pool, letter);
    resent.push({ letter, outcome });
  }
  return resent;
};
