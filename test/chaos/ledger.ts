import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { status } from '@grpc/grpc-js';
import type { Customer } from '../../src/gen/customer/v1/customer';
import type { Refusal, Request, Response, Rpc } from '../support/client';
import type { Result } from '../support/streams';
import { comparable } from './check';
import type { Attempt, Call, Told } from './history';
import type { Random } from './random';
import { createSendings, type Answered, type Sendings } from './sendings';
import type { World } from './world';

/** How a change ended for its caller. */
export type Answer<Name extends Rpc> =
  | { readonly response: Response<Name>; readonly request_id: string }
  | { readonly reason: string; readonly request_id: string };

/** A row to import, without its request_id. */
export type NewCustomer = { readonly email: string; readonly metadata: Readonly<Record<string, string>> };

/** Makes calls through every fault, and writes down what became of each. */
export type Ledger = Pick<Sendings, 'attempts' | 'reachable' | 'close'> & {
  readonly calls: readonly Call[];
  /**
   * Makes a change under a new request_id, on one service or another, again until it is decided. Sometimes it is sent
   * twice at once, and sometimes again after its answer: all answers must be the same.
   */
  readonly change: <Name extends Rpc>(
    name: Name,
    request: Request<Name>,
    told: (response: Response<Name>) => readonly Told[] | number,
  ) => Promise<Answer<Name>>;
  /**
   * Imports customers, each row under a new request_id, what was not answered again until it is. Sometimes all rows are
   * sent again after their answers, which must be the same. Answers each customer, undefined where it was refused.
   */
  readonly importAll: (customers: readonly NewCustomer[]) => Promise<(Customer | undefined)[]>;
  /** A read, again until it is answered or refused; undefined when it is refused. */
  readonly read: <Name extends Rpc>(name: Name, request: Request<Name>) => Promise<Response<Name> | undefined>;
};

/** A call that nobody can decide for so long stays unknown, and that is a fault. */
const GIVE_UP_MS = 60_000;

/** The outcome of the call is unknown, or nothing was done: to be sent again. */
const isOpen = ({ code, reason }: Pick<Refusal, 'code' | 'reason'>): boolean =>
  ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED', 'RESOURCE_EXHAUSTED', 'INTERNAL', 'UNKNOWN'].includes(code) ||
  reason === 'TRANSACTION_CONFLICT';

/** What a change of this load may be refused for. */
const EXPECTED: ReadonlySet<string> = new Set([
  'GUEST_ALREADY_EXISTS',
  'REVISION_MISMATCH',
  'CUSTOMER_NOT_FOUND',
  'CUSTOMER_ERASED',
  'ADDRESS_NOT_FOUND',
  'ADDRESS_ALREADY_EXISTS',
  'TOO_MANY_ADDRESSES',
]);

const idsIn = (request: object): string[] => [
  ...new Set(JSON.stringify(request).match(/cus_[0-9A-HJKMNP-TV-Z]{26}/g) ?? []),
];

const reasonOf = ({ code, reason = code }: Refusal): string => reason;

/** A refusal may name another current revision the second time. */
const isSame = <Name extends Rpc>(one: Answered<Name>, other: Answered<Name>): boolean =>
  'response' in one || 'response' in other ? isDeepStrictEqual(one, other) : true;

/** An answer that is kept no more: a call of a group says of a customer that is erased that there is none. */
const isErasure = <Name extends Rpc>(name: Name, answer: Answered<Name>): boolean =>
  'refusal' in answer &&
  (reasonOf(answer.refusal) === 'CUSTOMER_ERASED' ||
    (/Group$/.test(name) && reasonOf(answer.refusal) === 'CUSTOMER_NOT_FOUND'));

/** What a row ended with; undefined while it is open. */
const decided = ({ customer, code = 0, reason = '' }: Result) => {
  const refusal = { code: status[code] as Refusal['code'], reason, message: '' };
  if (customer !== undefined) return { response: { customer } };
  return isOpen(refusal) ? undefined : { refusal };
};

export const createLedger = (world: World, random: Random): Ledger => {
  const { problems } = world;
  const { attempts, send, sendRows, reachable, close } = createSendings(world, random);
  const calls: Call[] = [];

  const sendUntilDecided = async <Name extends Rpc>(name: Name, request: Request<Name>, own: Attempt[]) => {
    const giveUpAt = Date.now() + GIVE_UP_MS;
    for (;;) {
      const answer = await send(name, request, own);
      if ('response' in answer || !isOpen(answer.refusal)) return answer;
      if (Date.now() > giveUpAt) return undefined;
      await delay(50 + random.below(200));
    }
  };

  const refused = (rpc: string, { code, message, reason = code }: Refusal): Call['outcome'] => {
    if (!EXPECTED.has(reason)) problems.push(`${rpc} was refused with ${code} ${reason}: ${message}`);
    return { kind: 'refused', reason };
  };

  const change: Ledger['change'] = async (name, request, told) => {
    const request_id = randomUUID();
    const whole = Object.assign({}, request, { request_id });
    const own: Attempt[] = [];
    const [first, double] = await Promise.all([
      sendUntilDecided(name, whole, own),
      random.chance(0.03) ? sendUntilDecided(name, whole, own) : undefined,
    ]);
    // Of two at once, one may have been refused before the customer was restored.
    const answer = double !== undefined && 'response' in double ? double : first;
    const repeated =
      answer !== undefined && 'response' in answer && random.chance(0.03)
        ? await sendUntilDecided(name, whole, own)
        : undefined;
    const others = [first, double, repeated].filter((one) => one !== undefined && one !== answer);
    const isForgotten = answer !== undefined && 'response' in answer && others.some((other) => isErasure(name, other!));
    for (const other of others) {
      const isEarlier = other !== repeated && 'refusal' in other! && reasonOf(other.refusal) === 'CUSTOMER_NOT_FOUND';
      if (!isSame(answer!, other!) && !isErasure(name, other!) && !isEarlier) {
        problems.push(`${name} ${request_id} got two answers: ${JSON.stringify([answer, other])}`);
      }
    }
    const note = (outcome: Call['outcome']) =>
      calls.push({ request_id, rpc: name, names: idsIn(request), isForgotten, attempts: own, outcome });
    if (answer === undefined) {
      note({ kind: 'unknown' });
      return { reason: 'UNKNOWN', request_id };
    }
    if ('refusal' in answer) {
      note(refused(name, answer.refusal));
      return { reason: reasonOf(answer.refusal), request_id };
    }
    const { customer } = answer.response as { readonly customer?: Readonly<Record<string, unknown>> };
    note({ kind: 'acknowledged', changes: told(answer.response), customer: comparable(customer) });
    return { response: answer.response, request_id };
  };

  const importAll: Ledger['importAll'] = async (customers) => {
    const rows = customers.map((customer) => ({ customer: { ...customer, request_id: randomUUID() } }));
    const answers = new Map<string, NonNullable<ReturnType<typeof decided>>>();
    const own: Attempt[] = [];
    const sendSome = async (some: typeof rows): Promise<void> => {
      for (const result of await sendRows(some, own)) {
        const { request_id } = some[result.index]!.customer;
        const answer = decided(result);
        const before = answers.get(request_id);
        if (answer === undefined) continue;
        if (before !== undefined && !isDeepStrictEqual(before, answer)) {
          problems.push(`row ${request_id} got two answers: ${JSON.stringify([before, answer])}`);
        }
        answers.set(request_id, answer);
      }
    };
    const giveUpAt = Date.now() + GIVE_UP_MS;
    for (let open = rows; open.length > 0 && Date.now() < giveUpAt;) {
      await sendSome(open);
      open = rows.filter(({ customer }) => !answers.has(customer.request_id));
      if (open.length > 0) await delay(50 + random.below(200));
    }
    if (random.chance(0.1)) await sendSome(rows);
    return rows.map(({ customer: { request_id } }) => {
      const answer = answers.get(request_id);
      const note = (outcome: Call['outcome']) =>
        calls.push({ request_id, rpc: 'importCustomers', names: [], attempts: own, outcome });
      if (answer === undefined) note({ kind: 'unknown' });
      else if ('refusal' in answer) note(refused('importCustomers', answer.refusal));
      else {
        const { id, revision } = answer.response.customer;
        const customer = comparable({ ...answer.response.customer });
        note({ kind: 'acknowledged', changes: [{ aggregate_id: id, revision }], customer });
        return answer.response.customer;
      }
      return undefined;
    });
  };

  return {
    calls,
    attempts,
    change,
    importAll,
    reachable,
    close,
    read: async (name, request) => {
      const answer = await sendUntilDecided(name, request, []);
      return answer !== undefined && 'response' in answer ? answer.response : undefined;
    },
  };
};
