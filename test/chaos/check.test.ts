import { check } from './check';
import type { Call, History, Message, SeenEvent, StateMessage } from './history';

const customer = (id: string, revision: number) => ({
  id,
  revision,
  email: `${id}@example.com`,
  metadata: { revision },
});

const event = (position: number, id: string, revision: number, type = 'customer.updated'): SeenEvent => ({
  position,
  aggregate_id: id,
  revision,
  type: revision === 1 ? 'customer.created' : type,
  request_id: `request-${position}`,
  occurred_at: `2026-01-01T00:00:0${position}.000Z`,
  customer: customer(id, revision),
});

const acknowledged = ({ request_id, aggregate_id, revision, customer: told }: SeenEvent): Call => ({
  request_id: request_id!,
  rpc: 'updateCustomer',
  names: [aggregate_id],
  attempts: [],
  outcome: { kind: 'acknowledged', changes: [{ aggregate_id, revision }], customer: told },
});

const message = (of: SeenEvent, offset: number): Message => ({
  partition: `customer.events/${of.aggregate_id === 'c' ? 1 : 0}`,
  offset,
  key: of.aggregate_id,
  event: of,
});

const state = (of: SeenEvent, offset: number): StateMessage => ({
  partition: 'customer.state/0',
  offset,
  key: of.aggregate_id,
  revision: of.revision,
  customer: of.type === 'customer.deleted' ? null : of.customer!,
});

/** Two customers, one in each partition; `a` changes twice and `c` is deleted; one call was refused. */
const log = [
  event(1, 'a', 1),
  event(2, 'c', 1),
  event(3, 'a', 2),
  event(4, 'a', 3),
  event(5, 'c', 2, 'customer.deleted'),
] as const;
const refused: Call = {
  request_id: 'request-6',
  rpc: 'createCustomer',
  names: [],
  attempts: [],
  outcome: { kind: 'refused', reason: 'GUEST_ALREADY_EXISTS' },
};
const GOOD: History = {
  calls: [...log.map(acknowledged), refused],
  log,
  outbox: 0,
  erasedReplies: new Set(),
  messages: log.map(message),
  states: [log[0], log[1], log[3], log[4]].map(state),
  rows: [
    { ...customer('a', 3), isLive: true },
    { ...customer('c', 2), isLive: false },
  ],
  watched: [log, log.slice(2)],
};

const without = <T>(items: readonly T[], index: number): T[] => items.filter((_, at) => at !== index);
const swapped = <T>(items: readonly T[], one: number, other: number): T[] =>
  items.map((item, at) => (at === one ? items[other]! : at === other ? items[one]! : item));
const changed = <T>(items: readonly T[], index: number, change: Partial<T>): T[] =>
  items.map((item, at) => (at === index ? { ...item, ...change } : item));

/** What is left of an event of somebody who is erased. */
const redacted = (of: SeenEvent): SeenEvent => ({
  ...of,
  request_id: null,
  customer: { ...of.customer, email: '', metadata: {} },
});

/**
 * The same, then `c` is erased. Kafka had its events before that, a watcher all of them after. Its deletion was never
 * answered, and the repeat was told that it is erased; a group call changed `a` and `c`.
 */
const erasure = redacted({ ...event(6, 'c', 3), type: 'customer.erased' });
const afterErasure = [log[0], redacted(log[1]), log[2], log[3], redacted(log[4]), erasure] as const;
const ERASED: History = {
  ...GOOD,
  calls: [
    acknowledged(log[0]),
    acknowledged(log[1]),
    { ...acknowledged(log[2]), names: ['a', 'c'], outcome: { kind: 'acknowledged', changes: 2 } },
    acknowledged(log[3]),
    { ...acknowledged(log[4]), outcome: { kind: 'refused', reason: 'CUSTOMER_ERASED' } },
    { ...acknowledged({ ...erasure, request_id: 'request-6' }), rpc: 'eraseCustomer' },
  ],
  log: afterErasure,
  erasedReplies: new Set(['request-5']),
  messages: [...log, erasure].map(message),
  states: [log[0], log[1], log[3], log[4], { ...erasure, type: 'customer.deleted' }].map(state),
  rows: [
    { ...customer('a', 3), isLive: true },
    { id: 'c', revision: 3, email: '', metadata: {}, isLive: false },
  ],
  watched: [afterErasure],
};

const phantom = event(6, 'd', 1);

describe('the checker', () => {
  it('finds nothing in a history that keeps every promise', () => {
    expect(check(GOOD)).toEqual([]);
  });

  it('finds nothing in one whose customer was erased, though some saw it before and some after', () => {
    expect(check(ERASED)).toEqual([]);
  });

  it.each<readonly [string, Partial<History>, RegExp]>([
    [
      'an acknowledged change of the erased without event',
      { log: changed(ERASED.log, 5, { revision: 4 }) },
      /lost: eraseCustomer .* was told of c:3/,
    ],
    [
      'more events of the erased than calls that may have made them',
      { log: [...ERASED.log, redacted(event(7, 'c', 4)), redacted(event(8, 'c', 5))] },
      /phantom: nobody asked for event 5 .*, event 8/,
    ],
    [
      'an event without request_id of one who is not erased',
      { log: changed(ERASED.log, 2, { request_id: null }) },
      /phantom: nobody asked for event 3/,
    ],
    [
      'two calls that were told of one change of the erased',
      { calls: [...ERASED.calls, { ...acknowledged(log[1]), request_id: 'another' }] },
      /twice: two calls were told of c:1/,
    ],
    [
      'a refusal that says erased of one who is not',
      {
        calls: [...ERASED.calls, { ...refused, names: ['a'], outcome: { kind: 'refused', reason: 'CUSTOMER_ERASED' } }],
      },
      /wrong: createCustomer request-6/,
    ],
    [
      'an answer that was forgotten without an erasure',
      { calls: changed(ERASED.calls, 0, { isForgotten: true }) },
      /wrong: updateCustomer request-1/,
    ],
    ['an erased customer that is alive', { rows: changed(ERASED.rows, 1, { isLive: true }) }, /differs: customer c/],
    [
      'a message of the erased with another revision',
      { messages: changed(ERASED.messages, 1, { event: { ...log[1], revision: 2 } }) },
      /differs: event 2/,
    ],
    [
      'a state of the erased that is no tombstone',
      { states: changed(ERASED.states, 4, { customer: customer('c', 3) }) },
      /no tombstone/,
    ],
    [
      'more changes of a group call than it counted',
      {
        calls: changed(ERASED.calls, 0, { outcome: { kind: 'acknowledged', changes: 2 } }),
      },
      /lost: .* changed 2, events: 1/,
    ],
  ])('finds %s beside one who is erased', (_name, damage, found) => {
    expect(check({ ...ERASED, ...damage })).toEqual(expect.arrayContaining([expect.stringMatching(found)]));
  });

  it('finds nothing wrong with messages that are repeated', () => {
    const repeated = [log[0], log[2], log[0], log[2], log[3], log[2], log[3], log[1], log[4]].map(message);
    expect(check({ ...GOOD, messages: repeated })).toEqual([]);
    expect(check({ ...GOOD, states: [log[0], log[0], log[1], log[2], log[3], log[3], log[4]].map(state) })).toEqual([]);
  });

  const broken: readonly [string, Partial<History>, RegExp][] = [
    ['an acknowledged change without event', { log: log.slice(0, 4) }, /lost: updateCustomer request-5 was told/],
    [
      'a change of a group call that has too few events',
      {
        calls: [...without(GOOD.calls, 0), { ...acknowledged(log[0]), outcome: { kind: 'acknowledged', changes: 2 } }],
      },
      /lost: .* changed 2/,
    ],
    [
      'an event that comes twice',
      { log: [...log, { ...log[4], position: 6, revision: 3 }] },
      /twice: .* without telling/,
    ],
    ['an event of a refused call', { log: [...log, phantom] }, /phantom: createCustomer request-6 was refused/],
    ['an event that nobody asked for', { log: [...log, { ...phantom, request_id: 'nobody' }] }, /phantom: nobody/],
    [
      'a call that was never decided',
      { calls: [...GOOD.calls, { ...refused, outcome: { kind: 'unknown' } }] },
      /undecided/,
    ],
    [
      'an answer that is not what the event says',
      {
        calls: [
          ...without(GOOD.calls, 0),
          {
            ...acknowledged(log[0]),
            outcome: {
              kind: 'acknowledged',
              changes: [{ aggregate_id: 'a', revision: 1 }],
              customer: customer('a', 2),
            },
          },
        ],
      },
      /differs: .* answered another/,
    ],
    ['a gap in the positions', { log: changed(log, 4, { position: 6 }) }, /gap: event 6 .* out of its place/],
    ['a gap in the revisions', { log: changed(log, 3, { revision: 4 }) }, /gap: event 3 of a has revision 4/],
    [
      'a swapped pair in the log',
      { log: swapped(log, 2, 3).map((one, at) => ({ ...one, position: at + 1 })) },
      /gap: event 2 of a has revision 3/,
    ],
    [
      'an event that is earlier than the one before',
      { log: changed(log, 3, { occurred_at: '2025-01-01T00:00:00.000Z' }) },
      /time: revision 3 of a/,
    ],
    ['an event that is stuck in the outbox', { outbox: 1 }, /stuck: 1/],
    [
      'a row without its last change',
      { rows: changed(GOOD.rows, 0, { metadata: {} }) },
      /differs: customer a is not what/,
    ],
    [
      'a row without event',
      { rows: [...GOOD.rows, { ...customer('e', 1), isLive: true }] },
      /lost: customer e has no event/,
    ],
    ['events without row', { rows: without(GOOD.rows, 0) }, /lost: customer a has events, but no row/],
    ['a deleted customer that is alive', { rows: changed(GOOD.rows, 1, { isLive: true }) }, /differs: customer c/],
    ['an event that is not in Kafka', { messages: without(GOOD.messages, 3) }, /lost: event 4 .* is not in Kafka/],
    ['a message of no event', { messages: [...GOOD.messages, message(phantom, 6)] }, /phantom: event 6 .* in Kafka/],
    [
      'a message that differs from its event',
      { messages: changed(GOOD.messages, 0, { event: { ...log[0], type: 'x' } }) },
      /differs: event 1/,
    ],
    ['a message under another key', { messages: changed(GOOD.messages, 0, { key: 'c' }) }, /differs: event 1/],
    ['a swapped pair in a partition', { messages: swapped(GOOD.messages, 2, 3) }, /order: event 3 .* after position 4/],
    [
      'an aggregate in two partitions',
      { messages: changed(GOOD.messages, 2, { partition: 'customer.events/1' }) },
      /split: a/,
    ],
    ['a customer without state', { states: without(GOOD.states, 1).slice(0, 2) }, /lost: no state of c/],
    ['a state that is not the last', { states: without(GOOD.states, 2) }, /state of a is revision 1, not 3/],
    [
      'a state that goes back',
      { states: [...GOOD.states, state(log[2], 9)] },
      /back: the state of a goes from revision 3 to 2/,
    ],
    [
      'a state where there must be a tombstone',
      { states: changed(GOOD.states, 3, { customer: customer('c', 2) }) },
      /no tombstone/,
    ],
    [
      'a state of another content',
      { states: changed(GOOD.states, 2, { customer: customer('a', 2) }) },
      /differs: state of a/,
    ],
    ['a state of nobody', { states: [...GOOD.states, state(phantom, 9)] }, /phantom: state of d/],
    ['a watcher that misses one', { watched: [without(log, 2)] }, /order: watcher 0 saw event 4/],
    ['a watcher that sees one twice', { watched: [[log[0], ...log]] }, /order: watcher 0 saw event 1/],
    ['a watcher that misses the end', { watched: [log.slice(0, 4)] }, /lost: watcher 0 saw 4 of 5/],
    ['a watcher that sees nothing', { watched: [[]] }, /lost: watcher 0 saw nothing/],
  ];

  it.each(broken)('finds %s', (_name, damage, found) => {
    expect(check({ ...GOOD, ...damage })).toEqual(expect.arrayContaining([expect.stringMatching(found)]));
  });
});
