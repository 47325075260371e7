import { isDeepStrictEqual } from 'node:util';
import type { Call, History, Message, SeenEvent, Told } from './history';

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

/** What is known of the erased: whose events say no more who asked for them. */
type Erased = {
  readonly ids: ReadonlySet<string>;
  /** The events that say it no more, by the customer. */
  readonly events: ReadonlyMap<string, readonly SeenEvent[]>;
};

const erasedIn = (log: readonly SeenEvent[]): Erased => {
  const ids = new Set(log.filter(({ type }) => type === 'customer.erased').map(({ aggregate_id }) => aggregate_id));
  const events = log.filter(({ aggregate_id, request_id }) => request_id === null && ids.has(aggregate_id));
  return { ids, events: groupBy(events, ({ aggregate_id }) => aggregate_id) };
};

const idOf = ({ aggregate_id, revision }: Told): string => `${aggregate_id}:${revision}`;

/** Acknowledged: exactly its events. Refused: none. Nobody's: none. Unknown: was never decided. */
const checkCalls = (history: History): string[] => {
  const { calls, log } = history;
  const erased = erasedIn(log);
  const events = groupBy(log, ({ request_id }) => request_id ?? '');
  const known = new Set(calls.map(({ request_id }) => request_id));
  return [
    ...calls.flatMap((call) => checkCall(call, events.get(call.request_id) ?? [], history, erased)),
    ...log
      .filter(({ aggregate_id, request_id }) =>
        request_id === null ? !erased.ids.has(aggregate_id) : !known.has(request_id),
      )
      .map((event) => `phantom: nobody asked for ${nameOf(event)}`),
    ...checkErased(history, erased),
  ];
};

/** Of the erased: each event was told to one caller, or is one of a call that may have made it without telling. */
const checkErased = ({ calls, erasedReplies }: History, { events }: Erased): string[] => {
  const told = groupBy(
    calls.flatMap(({ outcome }) =>
      outcome.kind === 'acknowledged' && typeof outcome.changes !== 'number' ? outcome.changes : [],
    ),
    idOf,
  );
  const untelling = calls.filter(({ outcome, request_id }) =>
    outcome.kind === 'acknowledged' ? typeof outcome.changes === 'number' : erasedReplies.has(request_id),
  );
  const couldHaveMade = groupBy(
    untelling.flatMap(({ names }) => [...new Set(names)]),
    (name) => name,
  );
  return [
    ...[...told].filter(([, all]) => all.length > 1).map(([id]) => `twice: two calls were told of ${id}`),
    ...[...events].flatMap(([id, own]) => {
      const untold = own.filter((event) => !told.has(idOf(event)));
      return untold.length > (couldHaveMade.get(id)?.length ?? 0)
        ? [`phantom: nobody asked for ${untold.map(nameOf).join(', ')}`]
        : [];
    }),
  ];
};

const checkCall = (call: Call, events: readonly SeenEvent[], { erasedReplies }: History, erased: Erased): string[] => {
  const { request_id, rpc, names, outcome, isForgotten } = call;
  const name = `${rpc} ${request_id}`;
  if (outcome.kind === 'unknown') return [`undecided: ${name} was never answered`];
  const ofErased = names.filter((id) => erased.ids.has(id));
  const isRefusedErased = outcome.kind === 'refused' && outcome.reason === 'CUSTOMER_ERASED';
  if ((isRefusedErased && ofErased.length === 0) || (isForgotten === true && !erasedReplies.has(request_id))) {
    return [`wrong: ${name} was told that a customer is erased, and none is`];
  }
  if (outcome.kind === 'refused') {
    // Made before the erasure, unanswered then: its answer is gone, its events are accounted for with the customer.
    if (erasedReplies.has(request_id)) return [];
    return events.map((event) => `phantom: ${name} was refused (${outcome.reason}), yet there is ${nameOf(event)}`);
  }
  const { changes, customer } = outcome;
  if (typeof changes === 'number') {
    const lacks = changes - events.length;
    return lacks >= 0 && lacks <= ofErased.length
      ? []
      : [`${lacks > 0 ? 'lost' : 'twice'}: ${name} changed ${changes}, events: ${events.length}`];
  }
  const told = new Set(changes.map(idOf));
  const found = events.map(idOf);
  const [event] = events;
  const isThere = (change: Told): boolean =>
    found.includes(idOf(change)) ||
    erased.events.get(change.aggregate_id)?.some(({ revision }) => revision === change.revision) === true;
  return [
    ...changes
      .filter((change) => !isThere(change))
      .map((change) => `lost: ${name} was told of ${idOf(change)}, no such event`),
    ...found.filter((id) => !told.has(id)).map((id) => `twice: ${name} made ${id} without telling`),
    ...(customer !== undefined && event !== undefined && !isDeepStrictEqual(customer, comparable(event.customer))
      ? [`differs: ${name} answered another customer than ${nameOf(event)} holds`]
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

const GONE: ReadonlySet<string> = new Set(['customer.deleted', 'customer.erased']);

/** The table is what the events fold to. */
const checkRows = ({ log, rows }: History): string[] => {
  const last = lastOfEach(log);
  const known = new Set(rows.map(({ id }) => id));
  return [
    ...rows.flatMap(({ id, revision, isLive, email, metadata }) => {
      const event = last.get(id);
      if (event === undefined) return [`lost: customer ${id} has no event`];
      const isSame = isDeepStrictEqual({ id, revision, email, metadata }, comparable(event.customer));
      const agrees = isSame && isLive === !GONE.has(event.type);
      return agrees ? [] : [`differs: customer ${id} is not what ${nameOf(event)} says`];
    }),
    ...[...last.keys()].filter((id) => !known.has(id)).map((id) => `lost: customer ${id} has events, but no row`),
  ];
};

/** Every position of the log, as it is there; first occurrences in order; an aggregate in one partition. */
const checkMessages = ({ log, messages }: History): string[] => {
  const byPosition = new Map(log.map((event) => [event.position, event]));
  const isSame = sameUnlessErased(log);
  const seen = new Set(messages.map(({ event }) => event.position));
  return [
    ...log.filter(({ position }) => !seen.has(position)).map((event) => `lost: ${nameOf(event)} is not in Kafka`),
    ...messages.flatMap(({ key, event }) => {
      const logged = byPosition.get(event.position);
      if (logged === undefined) return [`phantom: ${nameOf(event)} is in Kafka, but not in the log`];
      const agrees = key === event.aggregate_id && isSame(logged, event);
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
      if (!isLive) return state.customer === null ? [] : [`state of ${id}, who is gone, is no tombstone`];
      const isSame = isDeepStrictEqual({ id, revision, email, metadata }, comparable(state.customer ?? undefined));
      return isSame ? [] : [`differs: state of ${id} is not the row`];
    }),
  ];
};

/** What stays of an event once its customer is erased; it may have been sent or watched before that. */
const withoutPerson = ({ request_id: _, customer: __, ...numbers }: SeenEvent) => numbers;

/** Whether two have the same event: all of it, or what stays of it once its customer is erased. */
const sameUnlessErased = (log: readonly SeenEvent[]) => {
  const { ids } = erasedIn(log);
  return (one: SeenEvent, other: SeenEvent): boolean =>
    ids.has(one.aggregate_id)
      ? isDeepStrictEqual(withoutPerson(one), withoutPerson(other))
      : isDeepStrictEqual(one, other);
};

/** gRPC spells times and absent fields of a customer otherwise than JSON. */
const likeGrpc = (event: SeenEvent): SeenEvent => ({ ...event, customer: comparable(event.customer) });

/** A watcher sees the log from where it began: nothing left out, nothing twice, and all of it. */
const checkWatched = (log: readonly SeenEvent[], seen: readonly SeenEvent[], name: string): string[] => {
  const [first] = seen;
  if (first === undefined) return log.length === 0 ? [] : [`lost: ${name} saw nothing`];
  const expected = log.slice(first.position - 1);
  const isSame = sameUnlessErased(log);
  const wrong = seen.findIndex((event, index) => {
    const logged = expected[index];
    return logged === undefined || !isSame(likeGrpc(event), likeGrpc(logged));
  });
  return [
    ...(wrong === -1
      ? []
      : [`order: ${name} saw ${nameOf(seen[wrong]!)} as number ${wrong + 1} from ${first.position}`]),
    ...(seen.length < expected.length ? [`lost: ${name} saw ${seen.length} of ${expected.length} events`] : []),
  ];
};
