import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { connect, type Refusal, type Request, type Response, type Rpc } from '../support/client';
import { comparable } from './check';
import type { Attempt, Call, Told } from './history';
import type { Random } from './random';
import type { World } from './world';

/** How a change ended for its caller. */
export type Answer<Name extends Rpc> =
  | { readonly response: Response<Name>; readonly request_id: string }
  | { readonly reason: string; readonly request_id: string };

/** Makes calls through every fault, and writes down what became of each. */
export type Ledger = {
  readonly calls: readonly Call[];
  /** Every sending of every call, reads too. */
  readonly attempts: readonly Attempt[];
  /**
   * Makes a change under a new request_id, on one service or another, again until it is decided. Sometimes it is sent
   * twice at once, and sometimes again after its answer: all answers must be the same.
   */
  readonly change: <Name extends Rpc>(
    name: Name,
    request: Request<Name>,
    told: (response: Response<Name>) => readonly Told[] | number,
  ) => Promise<Answer<Name>>;
  /** A read, again until it is answered or refused; undefined when it is refused. */
  readonly read: <Name extends Rpc>(name: Name, request: Request<Name>) => Promise<Response<Name> | undefined>;
  /** Resolves once every service makes changes. */
  readonly reachable: () => Promise<void>;
  readonly close: () => void;
};

/** Fast to notice that a service is gone or back; patient with a slow one: a call ends by its own deadline first. */
export const CHANNEL = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.keepalive_time_ms': 2_000,
  'grpc.keepalive_timeout_ms': 10_000,
} as const;

/** A refusal may name another current revision the second time. */
const isSame = (one: object, other: object): boolean =>
  'response' in one || 'response' in other ? isDeepStrictEqual(one, other) : true;

/** Deleting who is unknown goes the way of a change and changes nothing. */
const NOBODY = 'cus_00000000000000000000000000';
const DEADLINE_MS = 4_000;
/** A call that nobody can decide for so long stays unknown, and that is a fault. */
const GIVE_UP_MS = 60_000;

/** The outcome of the call is unknown, or nothing was done: to be sent again. */
const isOpen = ({ code, reason }: Refusal): boolean =>
  ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED', 'RESOURCE_EXHAUSTED', 'INTERNAL', 'UNKNOWN'].includes(code) ||
  reason === 'TRANSACTION_CONFLICT';

/** What a change of this load may be refused for. */
const EXPECTED: ReadonlySet<string> = new Set([
  'GUEST_ALREADY_EXISTS',
  'REVISION_MISMATCH',
  'CUSTOMER_NOT_FOUND',
  'ADDRESS_NOT_FOUND',
  'ADDRESS_ALREADY_EXISTS',
  'TOO_MANY_ADDRESSES',
]);

export const createLedger = ({ ways, services, problems }: World, random: Random): Ledger => {
  const clients = ways.clients.map(({ port }) => connect(port, CHANNEL));
  const calls: Call[] = [];
  const attempts: Attempt[] = [];

  /** One sending, to a service by chance. */
  const sendOnce = async <Name extends Rpc>(name: Name, request: Request<Name>, own: Attempt[]) => {
    const at = random.below(clients.length);
    const trace = randomBytes(16).toString('hex');
    const startedAt = Date.now();
    const answer = await clients[at]!.call(name, request, {
      deadlineMs: DEADLINE_MS,
      headers: { traceparent: `00-${trace}-${trace.slice(0, 16)}-01` },
    }).then(
      (response) => ({ response }),
      (refusal: unknown) => ({ refusal: refusal as Refusal }),
    );
    const code = 'response' in answer ? 'OK' : answer.refusal.code;
    const message = 'response' in answer ? '' : answer.refusal.message;
    const attempt = { trace, service: services[at]!.name, code, message, startedAt, endedAt: Date.now() };
    own.push(attempt);
    attempts.push(attempt);
    if ('refusal' in answer && (code === 'INTERNAL' || code === 'UNKNOWN')) {
      problems.push(`${name} was answered ${code}: ${message} (trace ${trace})`);
    }
    return answer;
  };

  const sendUntilDecided = async <Name extends Rpc>(name: Name, request: Request<Name>, own: Attempt[]) => {
    const giveUpAt = Date.now() + GIVE_UP_MS;
    for (;;) {
      const answer = await sendOnce(name, request, own);
      if ('response' in answer || !isOpen(answer.refusal)) return answer;
      if (Date.now() > giveUpAt) return undefined;
      await delay(50 + random.below(200));
    }
  };

  const change: Ledger['change'] = async (name, request, told) => {
    const request_id = randomUUID();
    const whole = Object.assign({}, request, { request_id });
    const own: Attempt[] = [];
    const [answer, double] = await Promise.all([
      sendUntilDecided(name, whole, own),
      random.chance(0.03) ? sendUntilDecided(name, whole, own) : undefined,
    ]);
    const repeated =
      answer !== undefined && 'response' in answer && random.chance(0.03)
        ? await sendUntilDecided(name, whole, own)
        : undefined;
    const note = (outcome: Call['outcome']) => calls.push({ request_id, rpc: name, attempts: own, outcome });
    if (answer === undefined) {
      note({ kind: 'unknown' });
      return { reason: 'UNKNOWN', request_id };
    }
    for (const other of [double, repeated]) {
      if (other !== undefined && !isSame(answer, other)) {
        problems.push(`${name} ${request_id} got two answers: ${JSON.stringify([answer, other])}`);
      }
    }
    if ('refusal' in answer) {
      const { code, reason = code, message } = answer.refusal;
      if (!EXPECTED.has(reason)) problems.push(`${name} was refused with ${code} ${reason}: ${message}`);
      note({ kind: 'refused', reason });
      return { reason, request_id };
    }
    const { customer } = answer.response as { readonly customer?: Readonly<Record<string, unknown>> };
    note({ kind: 'acknowledged', changes: told(answer.response), customer: comparable(customer) });
    return { response: answer.response, request_id };
  };

  return {
    calls,
    attempts,
    change,
    read: async (name, request) => {
      const answer = await sendUntilDecided(name, request, []);
      return answer !== undefined && 'response' in answer ? answer.response : undefined;
    },
    reachable: async () => {
      for (const client of clients) {
        for (let answered = 0; answered < 3;) {
          const isAnswered = await client.call('deleteCustomer', { id: NOBODY }, { deadlineMs: 2_000 }).then(
            () => true,
            () => false,
          );
          if (isAnswered) answered += 1;
          else await delay(100);
        }
      }
    },
    close: () => clients.forEach((client) => client.close()),
  };
};
