import { setTimeout as delay } from 'node:timers/promises';
import type { LogLine } from './child';
import type { Struck } from './conduct';
import type { Call, History, Row } from './history';
import type { Ledger } from './ledger';
import { seenEvent, startRecorder, type Recorded, type Recorder } from './recorder';
import type { Watcher } from './watcher';
import type { TakeOver, World } from './world';

const PATIENCE_MS = 60_000;

const outboxLeft = async ({ database }: World): Promise<number> => {
  const { rows } = await database.query<{ count: string }>('select count(*) from customer_outbox');
  return Number(rows[0]?.count);
};

const readRows = async ({ database }: World): Promise<Row[]> => {
  const { rows } = await database.query<Row>(
    `select id, revision, deleted_at is null as "isLive", coalesce(email, '') as email, metadata from customers order by id`,
  );
  return rows;
};

const readErasedReplies = async ({ database }: World): Promise<Set<string>> => {
  const { rows } = await database.query<{ request_id: string }>(
    'select request_id from idempotency_keys where response is null',
  );
  return new Set(rows.map(({ request_id }) => request_id));
};

const readLog = async ({ database }: World): Promise<History['log']> => {
  const { rows } = await database.query<{ position: string; data: Parameters<typeof seenEvent>[0] }>(
    'select position, data from customer_events order by position',
  );
  return rows.map(({ position, data }) => seenEvent(data, Number(position)));
};

/** Waits until everything has arrived everywhere, and takes it all down. What never arrives is the checker's to find. */
export const gather = async (
  world: World,
  ledger: Ledger,
  live: Recorder,
  watchers: readonly Watcher[],
  struck: readonly Struck[],
): Promise<{ history: History; report: string }> => {
  const giveUpAt = Date.now() + PATIENCE_MS;
  while ((await outboxLeft(world)) > 0 && Date.now() < giveUpAt) await delay(100);
  const [outbox, log, rows] = [await outboxLeft(world), await readLog(world), await readRows(world)];

  const hasAll = ({ messages, states }: Recorded): boolean => {
    const revisions = new Map(states.map(({ key, revision }) => [key, revision]));
    return (
      new Set(messages.map(({ event }) => event.position)).size >= log.length &&
      rows.every(({ id, revision }) => revisions.get(id) === revision)
    );
  };
  while (watchers.some(({ seen }) => seen.length < log.length) && Date.now() < giveUpAt) await delay(100);
  await live.settled(hasAll, 1_000, PATIENCE_MS);
  await live.stop();
  const fresh = startRecorder(world.kafka.brokers, (problem) => world.problems.push(problem));
  await fresh.settled(hasAll, 2_000, PATIENCE_MS);
  await fresh.stop();
  const { messages, states } = fresh.recorded();
  checkLive(live.recorded(), fresh.recorded(), world.problems);
  const logs = new Map([...world.services, world.relay].map((child) => [child.name, child.logged()]));
  const answered = checkTerminations(world, ledger, logs);
  for (const [name, lines] of logs) {
    for (const line of lines) {
      if (line.level >= 60 || line.msg === 'a call failed' || line.msg.startsWith('a batch of changes ended')) {
        world.problems.push(
          `${name} logged ${JSON.stringify({ ...line, time: undefined, call_id: undefined }).slice(0, 1_500)}`,
        );
      }
    }
  }
  const history = {
    calls: ledger.calls,
    log,
    outbox,
    rows,
    erasedReplies: await readErasedReplies(world),
    messages,
    states,
    watched: watchers.map(({ seen }) => seen),
  };
  return {
    history,
    report: [
      reportOf(history, ledger, struck),
      `answered by services that were stopping: ${answered}`,
      ...world.takeOvers.map(reportTakeOver),
    ].join('\n'),
  };
};

/** What a consumer got while things failed must be what stands there in the end. */
const checkLive = (live: Recorded, fresh: Recorded, problems: string[]): void => {
  const nameOf = ({ partition, offset }: { readonly partition: string; readonly offset: number }) =>
    `${partition}@${offset}`;
  const there = new Map(fresh.messages.map((message) => [nameOf(message), message.event]));
  for (const message of live.messages) {
    const { event } = message;
    if (there.get(nameOf(message))?.position !== event.position) {
      problems.push(`a consumer got event ${event.position} at ${nameOf(message)}, where it is no more`);
    }
  }
};

/** What a service that was told to stop had taken in, it answered, and the answer arrived. */
const checkTerminations = (
  { terminations, problems }: World,
  { attempts }: Ledger,
  logs: ReadonlyMap<string, readonly LogLine[]>,
): number => {
  let answered = 0;
  const sent = new Map(attempts.map((attempt) => [attempt.trace, attempt]));
  for (const { name, from, to } of terminations) {
    for (const { msg, time, trace_id, code, method } of logs.get(name) ?? []) {
      const attempt = sent.get(String(trace_id));
      if (msg !== 'call' || attempt === undefined || Number(time) < from || Number(time) > to) continue;
      // A load of rows may last for hours: it is told to call again.
      if (String(method).endsWith('/ImportCustomers') && code === 'UNAVAILABLE') continue;
      answered += 1;
      const isFailure = ['UNAVAILABLE', 'CANCELLED', 'INTERNAL', 'UNKNOWN'].includes(String(code));
      if (isFailure || attempt.code !== code) {
        const times = `${Number(time) - from} ms after SIGTERM, caller after ${attempt.endedAt - from} ms, exit after ${to - from} ms`;
        problems.push(
          `${name} had taken in ${String(method)}, stopped, and ended it ${String(code)}, for its caller ${attempt.code} ${attempt.message} (${times})`,
        );
      }
    }
  }
  return answered;
};

const reportTakeOver = ({ sink, leadsAfterMs, publishesAfterMs }: TakeOver): string =>
  `taken over: ${sink}, led again after ${leadsAfterMs} ms, published again after ${publishesAfterMs} ms`;

const countBy = (keys: readonly string[]): string =>
  [...keys.reduce((counts, key) => counts.set(key, (counts.get(key) ?? 0) + 1), new Map<string, number>())]
    .sort(([, a], [, b]) => b - a)
    .map(([key, count]) => `${key} ${count}`)
    .join(', ');

const OPEN: ReadonlySet<string> = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED']);

const wasUnknown = ({ attempts, outcome }: Call): boolean =>
  outcome.kind !== 'unknown' && attempts.some(({ code }) => OPEN.has(code));

const wasErased = ({ outcome, isForgotten }: Call): boolean =>
  isForgotten === true || (outcome.kind === 'refused' && outcome.reason === 'CUSTOMER_ERASED');

const reportOf = (history: History, { calls, attempts }: Ledger, struck: readonly Struck[]): string =>
  [
    `faults: ${struck.length}`,
    `changes: ${calls.length} (${countBy(calls.map(({ outcome }) => outcome.kind))})`,
    `of which: ${countBy(calls.map(({ rpc }) => rpc))}`,
    `refused: ${countBy(calls.flatMap(({ outcome }) => (outcome.kind === 'refused' ? [outcome.reason] : [])))}`,
    `sendings: ${attempts.length} (${countBy(attempts.map(({ code }) => code))})`,
    `decided after an unknown outcome: ${calls.filter(wasUnknown).length}`,
    `events in the log: ${history.log.length}; messages in Kafka: ${history.messages.length}; states: ${history.states.length}`,
    `watched: ${history.watched.map((seen) => seen.length).join(', ')}`,
    `customers: ${history.rows.length} (${history.rows.filter(({ isLive }) => isLive).length} alive)`,
    `answers erased with a customer: ${history.erasedReplies.size}, of which repeated: ${calls.filter(wasErased).length}`,
  ].join('\n');
