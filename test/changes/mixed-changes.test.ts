import { connect, type Refusal, type TestClient } from '../support/client';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { consumeUntil, itKafka, kafkaEnv } from '../support/kafka';
import { startTestProcess } from '../support/process';
import { until } from '../support/until';

const CHANGES = 2_000;
const CALLERS = 64;
/** What a busy machine is late with is no matter here. */
const PATIENT = { deadlineMs: 60_000 };

const env = kafkaEnv();
let database: TestDatabase;
let clients: readonly [TestClient, TestClient];
beforeAll(async () => {
  database = await createTestDatabase();
  const [one, two] = await Promise.all([startTestProcess(database, env), startTestProcess(database, env)]);
  clients = [connect(one.port), connect(two.port)];
});
afterAll(() => clients.forEach((client) => client.close()));

type Logged = {
  readonly position: number;
  readonly aggregate_id: string;
  readonly revision: number;
  readonly request_id: string | null;
};
const log = () =>
  database.query<Logged>(
    'select position::int, aggregate_id, revision, request_id from customer_events order by position',
  );

describe(`${CHANGES} mixed changes from ${CALLERS} callers against two processes`, () => {
  const acknowledged = new Map<string, string>();
  const refused = new Map<string, string>();
  const hot: string[] = [];

  /** Again when it is told to try again: on a busy machine a change may lose to others three times. */
  const decided = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
    for (;;) {
      try {
        return await call();
      } catch (refusal) {
        if ((refusal as Refusal).retries !== true) throw refusal;
      }
    }
  };

  /** A fifth is refused, a tenth repeats an earlier call, word for word, at the other process. */
  const change = async (n: number): Promise<void> => {
    const kind = n % 10;
    const same = kind === 9 ? n - 2 : n;
    const client = clients[same % 2 === (kind === 9 ? 1 : 0) ? 1 : 0];
    const id = hot[same % hot.length]!;
    const request_id = `mixed-${same}`;
    const call = () =>
      kind === 0
        ? client.call('createCustomer', { email: 'hot-1@example.com', request_id }, PATIENT)
        : kind === 1
          ? client.call(
              'updateCustomer',
              { id, first_name: 'never', expected_revision: 1_000_000, request_id },
              PATIENT,
            )
          : kind < 6
            ? client.call('createCustomer', { email: `mixed-${n}@example.com`, request_id }, PATIENT)
            : client.call('updateCustomer', { id, metadata: { [`k${same % 50}`]: request_id }, request_id }, PATIENT);
    try {
      const { customer } = await decided(call);
      const answer = `${customer!.id}:${customer!.revision}`;
      expect(acknowledged.get(request_id) ?? answer).toBe(answer);
      acknowledged.set(request_id, answer);
    } catch (error) {
      refused.set(request_id, (error as Refusal).reason ?? String(error));
    }
  };

  it('are in the log: each acknowledged one once, numbered without gaps, none that was refused', async () => {
    for (let n = 0; n < 5; n += 1) {
      const { customer } = await clients[0].call('createCustomer', { email: `hot-${n}@example.com` });
      hot.push(customer!.id);
    }
    let next = 0;
    const caller = async (): Promise<void> => {
      while (next < CHANGES) await change(next++);
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));

    const reasons = new Map<string, number>();
    for (const reason of refused.values()) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    expect(Object.fromEntries(reasons)).toEqual({ GUEST_ALREADY_EXISTS: 200, REVISION_MISMATCH: 200 });
    expect(acknowledged.size).toBe(1_400);

    await until(async () => (await database.query('select 1 from customer_outbox')).length === 0);
    const events = await log();
    expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => index + 1));
    const revisions = new Map<string, number>();
    for (const { aggregate_id, revision } of events) {
      expect(revision).toBe((revisions.get(aggregate_id) ?? 0) + 1);
      revisions.set(aggregate_id, revision);
    }
    const told = events.filter(({ request_id }) => request_id !== null);
    expect(told).toHaveLength(acknowledged.size);
    for (const { request_id, aggregate_id, revision } of told) {
      expect(acknowledged.get(request_id!)).toBe(`${aggregate_id}:${revision}`);
    }
  }, 120_000);

  itKafka('are in Kafka: every one, in the order of the log in each partition, none that was refused', async () => {
    const events = new Map((await log()).map((event) => [event.position, event]));
    const positionOf = (headers: Readonly<Record<string, string>>) => Number(headers['ce_position']);
    const received = await consumeUntil(`${env['KAFKA_TOPIC_PREFIX']}customer.events`, (all) => {
      return new Set(all.map(({ headers }) => positionOf(headers))).size === events.size;
    });
    const partitions = new Map<string, number>();
    const last = new Map<number, number>();
    const seen = new Set<number>();
    for (const { key, partition, headers, value } of received) {
      const position = positionOf(headers);
      const { request_id } = JSON.parse(value!) as { readonly request_id?: string };
      const logged = events.get(position);
      expect({
        position,
        aggregate_id: key,
        revision: Number(headers['ce_revision']),
        request_id: request_id ?? null,
      }).toEqual(logged);
      expect(partitions.get(key) ?? partition).toBe(partition);
      partitions.set(key, partition);
      if (seen.has(position)) continue;
      expect(position).toBeGreaterThan(last.get(partition) ?? 0);
      last.set(partition, position);
      seen.add(position);
    }
  });
});
