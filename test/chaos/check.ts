import { isDeepStrictEqual } from 'node:util';
import type { Call, History, Message, SeenEvent } from './history';

/** Everything in a history that breaks a promise, in words; empty when all are kept. */
export const check = (history: History): string[] => [
  ...checkCalls(history),
  ...checkLog(history),
  ...checkRows(history),
  ...checkMessages(history),
  ...checkStates(history),
  ...history.watched.flatMap((seen, index) => checkWatched(history.log, seen, `watcher ${index}`)),
];

const groupBy = <T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
};

const nameOf = ({ position, aggregate_id, revision, type }: SeenEvent): string =>
  `event ${position} (${type} of ${aggregate_id} revision ${revision})`;

/** Acknowledged: exactly its events. Refused: none. Nobody's: none. Unknown: was never decided. */
const checkCalls = ({ calls, log }: History): string[] => {
  const events = groupBy(log, ({ request_id }) => request_id ?? '');
  const known = new Set(calls.map(({ request_id }) => request_id));
  return [
    ...calls.flatMap((call) => checkCall(call, events.get(call.request_id) ?? [])),
    ...log
      .filter(({ request_id }) => request_id === null || !known.has(request_id))
      .map((event) => `phantom: nobody asked for ${nameOf(event)}`),
  ];
};

const checkCall = ({ request_id, rpc, outcome }: Call, events: readonly SeenEvent[]): string[] => {
  const call = `${rpc} ${request_id}`;
  if (outcome.kind === 'unknown') return [`undecided: ${call} was never answered`];
  if (outcome.kind === 'refused') {
    return events.map((event) => `phantom: ${call} was refused (${outcome.reason}), yet there is ${nameOf(event)}`);
  }
  const { changes, customer } = outcome;
  if (typeof changes === 'number') {
    return events.length === changes
      ? []
      : [`${events.length < changes ? 'lost' : 'twice'}: ${call} changed ${changes}, events: ${events.length}`];
  }
  const told = new Set(changes.map(({ aggregate_id, revision }) => `${aggregate_id}:${revision}`));
  const found = events.map(({ aggregate_id, revision }) => `${aggregate_id}:${revision}`);
  const [event] = events;
  return [
    ...[...told].filter((id) => !found.includes(id)).map((id) => `lost: ${call} was told of ${id}, no such event`),
    ...found.filter((id) => !told.has(id)).map((id) => `twice: ${call} made ${id} without telling`),
    ...(customer !== undefined && event !== undefined && !isDeepStrictEqual(customer, comparable(event.customer))
      ? [`differs: ${call} answered another customer than ${nameOf(event)} holds`]
      : []),
  ];
};

/** The fields that are compared between answer, event, topic and row. */
export const comparable = (customer: Readonly<Record<string, unknown>> | undefined) =>
  customer === undefined
    ? undefined
    : { id: customer['id'], revision: customer['revision'], email: customer['email'], metadata: customer['metadata'] };

/** Positions from 1 and the revisions of each aggregate from 1, both without gaps; times never go back. */
const checkLog = ({ log, outbox }: History): string[] => [
  ...(outbox === 0 ? [] : [`stuck: ${outbox} events never left the outbox`]),
  ...log
    .filter(({ position }, index) => position !== index + 1)
    .slice(0, 3)
    .map((event) => `gap: ${nameOf(event)} is out of its place in the log`),
  ...[...groupBy(log, ({ aggregate_id }) => aggregate_id)].flatMap(([id, events]) =>
    events.flatMap(({ revision, occurred_at }, index) => [
      ...(revision === index + 1 ? [] : [`gap: event ${index + 1} of ${id} has revision ${revision}`]),
      ...(occurred_at >= (events[index - 1]?.occurred_at ?? '')
        ? []
        : [`time: revision ${revision} of ${id} is told earlier than the one before`]),
    ]),
  ),
];

const lastOfEach = (log: readonly SeenEvent[]): Map<string, SeenEvent> =>
  new Map(log.filter(({ customer }) => customer !== undefined).map((event) => [event.aggregate_id, event]));

/** The table is what the events fold to. */
const checkRows = ({ log, rows }: History): string[] => {
  const last = lastOfEach(log);
  const known = new Set(rows.map(({ id }) => id));
  return [
    ...rows.flatMap(({ id, revision, isLive, email, metadata }) => {
      const event = last.get(id);
      if (event === undefined) return [`lost: customer ${id} has no event`];
      const isSame = isDeepStrictEqual({ id, revision, email, metadata }, comparable(event.customer));
      const agrees = isSame && isLive === (event.type !== 'customer.deleted');
      return agrees ? [] : [`differs: customer ${id} is not what ${nameOf(event)} says`];
    }),
    ...[...last.keys()].filter((id) => !known.has(id)).map((id) => `lost: customer ${id} has events, but no row`),
  ];
};

/** Every position of the log, as it is there; first occurrences in order; an aggregate in one partition. */
const checkMessages = ({ log, messages }: History): string[] => {
  const byPosition = new Map(log.map((event) => [event.position, event]));
  const seen = new Set(messages.map(({ event }) => event.position));
  return [
    ...log.filter(({ position }) => !seen.has(position)).map((event) => `lost: ${nameOf(event)} is not in Kafka`),
    ...messages.flatMap(({ key, event }) => {
      const logged = byPosition.get(event.position);
      if (logged === undefined) return [`phantom: ${nameOf(event)} is in Kafka, but not in the log`];
      const agrees = key === event.aggregate_id && isDeepStrictEqual(logged, event);
      return agrees ? [] : [`differs: ${nameOf(event)} is another in Kafka than in the log`];
    }),
    ...[...groupBy(messages, ({ key }) => key)]
      .filter(([, own]) => new Set(own.map(({ partition }) => partition)).size > 1)
      .map(([key]) => `split: ${key} is in several partitions`),
    ...[...groupBy(messages, ({ partition }) => partition)].flatMap(([partition, own]) => checkOrder(partition, own)),
  ];
};

const checkOrder = (partition: string, messages: readonly Message[]): string[] => {
  const seen = new Set<number>();
  let highest = 0;
  return messages.flatMap(({ event }) => {
    const isRepeat = seen.has(event.position);
    const isLate = !isRepeat && event.position < highest;
    seen.add(event.position);
    highest = Math.max(highest, event.position);
    return isLate ? [`order: ${nameOf(event)} first comes after position ${highest} in ${partition}`] : [];
  });
};

/** The compacted topic never goes back for a customer, and folds to the customers that are alive. */
const checkStates = ({ states, rows, log }: History): string[] => {
  const last = lastOfEach(log);
  const folded = new Map(states.map((state) => [state.key, state]));
  const highest = new Map<string, number>();
  return [
    ...states.flatMap(({ key, revision }) => {
      const before = highest.get(key) ?? 0;
      highest.set(key, Math.max(before, revision));
      return revision < before ? [`back: the state of ${key} goes from revision ${before} to ${revision}`] : [];
    }),
    ...[...folded.keys()].filter((id) => !last.has(id)).map((id) => `phantom: state of ${id}, who is unknown`),
    ...rows.flatMap(({ id, revision, isLive, email, metadata }) => {
      const state = folded.get(id);
      if (state === undefined) return [`lost: no state of ${id}`];
      if (state.revision !== revision) return [`state of ${id} is revision ${state.revision}, not ${revision}`];
      if (!isLive) return state.customer === null ? [] : [`state of ${id}, who is deleted, is no tombstone`];
      const isSame = isDeepStrictEqual({ id, revision, email, metadata }, comparable(state.customer ?? undefined));
      return isSame ? [] : [`differs: state of ${id} is not the row`];
    }),
  ];
};

/** gRPC spells times and absent fields of a customer otherwise than JSON. */
const isSameEvent = (one: SeenEvent, other: SeenEvent | undefined): boolean =>
  isDeepStrictEqual(
    { ...one, customer: comparable(one.customer) },
    { ...other, customer: comparable(other?.customer) },
  );

/** A watcher sees the log from where it began: nothing left out, nothing twice, and all of it. */
const checkWatched = (log: readonly SeenEvent[], seen: readonly SeenEvent[], name: string): string[] => {
  const [first] = seen;
  if (first === undefined) return log.length === 0 ? [] : [`lost: ${name} saw nothing`];
  const expected = log.slice(first.position - 1);
  const wrong = seen.findIndex((event, index) => !isSameEvent(event, expected[index]));
  return [
    ...(wrong === -1
      ? []
      : [`order: ${name} saw ${nameOf(seen[wrong]!)} as number ${wrong + 1} from ${first.position}`]),
    ...(seen.length < expected.length ? [`lost: ${name} saw ${seen.length} of ${expected.length} events`] : []),
  ];
};
