import { randomBytes } from 'node:crypto';
import { Metadata, status } from '@grpc/grpc-js';
import { ImportCustomersRequest, type ImportCustomersResponse } from '../../src/gen/customer/v1/customer';
import { connect, refusalOf, type Refusal, type Request, type Response, type Rpc } from '../support/client';
import { collect, resultOf, type Result, type Row } from '../support/streams';
import type { Attempt } from './history';
import type { Random } from './random';
import type { World } from './world';

/** How one sending ended. */
export type Answered<Name extends Rpc> = { readonly response: Response<Name> } | { readonly refusal: Refusal };

/** Sends calls to a service by chance, and writes down what became of each sending. */
export type Sendings = {
  /** Of every call, reads too. */
  readonly attempts: readonly Attempt[];
  readonly send: <Name extends Rpc>(name: Name, request: Request<Name>, own: Attempt[]) => Promise<Answered<Name>>;
  /** Sends rows in one stream, and answers the results that came; those of the last rows may be missing. */
  readonly sendRows: (rows: readonly Row[], own: Attempt[]) => Promise<Result[]>;
  /** Resolves once every service makes changes. */
  readonly reachable: () => Promise<void>;
  readonly close: () => void;
};

/**
 * Fast to notice that a service is back. No keep-alive: a ping of grpc-js 1.14.7 on a connection that the server drains
 * fails every call that still runs there (grpc-node issue 3068).
 */
export const CHANNEL = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 500 } as const;

/** Deleting who is unknown goes the way of a change and changes nothing. */
const NOBODY = 'cus_00000000000000000000000000';
const DEADLINE_MS = 4_000;
const BUGS: ReadonlySet<string> = new Set(['INTERNAL', 'UNKNOWN']);

export const createSendings = ({ ways, services, problems }: World, random: Random): Sendings => {
  const clients = ways.clients.map(({ port }) => connect(port, CHANNEL));
  const attempts: Attempt[] = [];

  /** One sending under a trace id of its own, by which the service's log knows it. */
  const attempt = async <Answer extends object>(
    what: string,
    own: Attempt[],
    send: (client: (typeof clients)[number], headers: { readonly traceparent: string }) => Promise<Answer>,
    refusalIn: (answer: Answer) => Refusal | undefined,
  ): Promise<Answer> => {
    const at = random.below(clients.length);
    const trace = randomBytes(16).toString('hex');
    const startedAt = Date.now();
    const answer = await send(clients[at]!, { traceparent: `00-${trace}-${trace.slice(0, 16)}-01` });
    const { code, message } = refusalIn(answer) ?? { code: 'OK', message: '' };
    const made = { trace, service: services[at]!.name, code, message, startedAt, endedAt: Date.now() };
    own.push(made);
    attempts.push(made);
    if (BUGS.has(code)) problems.push(`${what} was answered ${code}: ${message} (trace ${trace})`);
    return answer;
  };

  return {
    attempts,
    send: (name, request, own) =>
      attempt<Answered<typeof name>>(
        name,
        own,
        (client, headers) =>
          client.call(name, request, { deadlineMs: DEADLINE_MS, headers }).then(
            (response) => ({ response }),
            (refusal: unknown) => ({ refusal: refusal as Refusal }),
          ),
        (answer) => ('refusal' in answer ? answer.refusal : undefined),
      ),
    sendRows: async (rows, own) => {
      const { messages } = await attempt(
        'importCustomers',
        own,
        ({ raw }, { traceparent }) => {
          const metadata = new Metadata();
          metadata.set('traceparent', traceparent);
          const stream = raw.importCustomers(metadata, { deadline: Date.now() + 2 * DEADLINE_MS });
          const ended = collect<ImportCustomersResponse>(stream);
          for (const row of rows) stream.write(ImportCustomersRequest.fromPartial(row));
          stream.end();
          return ended;
        },
        ({ error }) => (error === undefined ? undefined : refusalOf(error)),
      );
      const results = messages.flatMap((message) => message.results.map(resultOf));
      for (const { code, reason } of results) {
        if (code !== undefined && BUGS.has(status[code]!)) problems.push(`a row was answered ${String(reason)}`);
      }
      return results;
    },
    reachable: async () => {
      for (const client of clients) {
        for (let answered = 0; answered < 3;) {
          const isAnswered = await client.call('deleteCustomer', { id: NOBODY }, { deadlineMs: 2_000 }).then(
            () => true,
            () => false,
          );
          if (isAnswered) answered += 1;
          else await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    },
    close: () => clients.forEach((client) => client.close()),
  };
};
