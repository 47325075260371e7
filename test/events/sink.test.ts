import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { pino } from 'pino';
import type { Producer } from '../../src/events/kafka';
import { createLease } from '../../src/events/lease';
import { readLog, type LoggedEvent } from '../../src/events/logged-event';
import { createNewest } from '../../src/events/newest';
import { startSink, type Sink, type Telling } from '../../src/events/sink';
import { createTestDatabase, createTestPool, type TestDatabase } from '../support/database';

let database: TestDatabase;
let pool: Pool;

const LOGGED = `
  insert into customer_events (position, aggregate_type, aggregate_id, revision, type, occurred_at, data)
  select n, 'customer', 'cus_' || n, 1, 'customer.created', now(), '{}' from generate_series(1, 3) n`;

const stateOf = (event: LoggedEvent): Telling => ({
  topic: 'states',
  message: { key: event.aggregate_id, value: String(event.position), headers: {} },
  event,
});

/** A sink of states over a stand-in for Kafka, which alone can be made to wait at the right moment. */
const startSinkOver = (
  producer: Pick<Producer, 'connect' | 'send'>,
  neverGoesBack = false,
  newest = createNewest(),
): Sink =>
  startSink({
    kind: {
      name: 'kafka-state',
      neverGoesBack,
      messagesOf: (events) => [...new Map(events.map((event) => [event.aggregate_id, stateOf(event)])).values()],
    },
    pool,
    lease: createLease(pool, 'kafka-state', 'first'),
    producer: { ...producer, discard: async () => undefined },
    newest,
    prepare: async () => undefined,
    log: pino({ level: 'silent' }),
  });

describe('a sink', () => {
  beforeEach(async () => {
    database = await createTestDatabase();
    pool = createTestPool(database.url);
    await pool.query(LOGGED);
  });
  afterEach(async () => {
    await pool.end();
    await database.drop();
  });

  it('sends nothing of what it held when another came to lead while Kafka let it wait', async () => {
    const sent: unknown[] = [];
    let hasConnected = false;
    const sink = startSinkOver({
      connect: async () => {
        await pool.query(
          `update event_cursors set leader = 'second', epoch = epoch + 1, position = 3,
                                    lease_until = clock_timestamp() + interval '60 s' where name = 'kafka-state'`,
        );
        hasConnected = true;
        return true;
      },
      send: async (messages) => void sent.push(messages),
    });
    while (!hasConnected) await delay(10);
    await delay(300);
    await sink.stop();
    expect(sent).toEqual([]);
    expect(await database.query(`select leader, position from event_cursors where name = 'kafka-state'`)).toEqual([
      { leader: 'second', position: '3' },
    ]);
  });

  it('asks for the lead once a connection, and sends all from its cursor on', async () => {
    const sent: string[] = [];
    let connections = 0;
    const sink = startSinkOver({
      connect: async () => (connections += 1) === 1,
      send: async (messages) => void sent.push(...messages.map(({ message }) => message.value ?? '')),
    });
    while (sink.status().position < 3) await delay(10);
    await sink.stop();
    expect(sent).toEqual(['1', '2', '3']);
  });

  it('sends at first all that another may have sent, not what this process wrote of it', async () => {
    const newest = createNewest();
    newest.put(await readLog(pool, 0, { events: 2, bytes: 1_000 }));
    const sends: string[][] = [];
    const send: Producer['send'] = async (messages) => {
      sends.push(messages.map(({ message }) => message.value ?? ''));
      if (sends.length === 1) throw new Error('nobody knows what became of it');
    };
    const sink = startSinkOver({ connect: async () => false, send }, true, newest);
    while (sends.length < 2) {
      newest.put(await readLog(pool, 0, { events: 2, bytes: 1_000 }));
      await delay(10);
    }
    while (sink.status().position < 3) await delay(10);
    await sink.stop();
    expect(sends).toEqual([
      ['1', '2', '3'],
      ['1', '2', '3'],
    ]);
  });

  it('that never goes back sends nothing newer before its cursor is where it was sent to', async () => {
    const sends: string[][] = [];
    const holder = await pool.connect();
    const sink = startSinkOver(
      {
        connect: async () => false,
        send: async (messages) => {
          sends.push(messages.map(({ message }) => message.value ?? ''));
          if (sends.length > 1) return;
          await holder.query('begin');
          await holder.query(`select from event_cursors where name = 'kafka-state' for update`);
          await database.query(LOGGED.replace('(1, 3)', '(4, 4)'));
          sink.wake();
        },
      },
      true,
    );
    while (sends.length === 0) await delay(10);
    await delay(300);
    const early = sends.length;
    await holder.query('rollback');
    holder.release();
    expect(early).toBe(1);
    while (sink.status().position < 4) await delay(10);
    await sink.stop();
    expect(sends).toEqual([['1', '2', '3'], ['4']]);
  });

  it('that is refused a send for its size sends parts of it, but never a state that is not the last', async () => {
    await pool.query(`update customer_events set aggregate_id = 'cus_1', revision = 2 where position = 3`);
    const sent: string[] = [];
    const send: Producer['send'] = async (messages) => {
      if (messages.length > 1) throw Object.assign(new Error('refused'), { type: 'MESSAGE_TOO_LARGE' });
      sent.push(...messages.map(({ message }) => message.value ?? ''));
    };
    const sink = startSinkOver({ connect: async () => false, send }, true);
    while (sink.status().position < 3) await delay(10);
    await sink.stop();
    expect(sent).toEqual(['3', '2']);
  });
});
