import { credentials, Metadata, status, type ChannelOptions, type ServiceError } from '@grpc/grpc-js';
import * as customer from '../../src/gen/customer/v1/customer';
import * as event from '../../src/gen/customer/v1/customer_event';
import * as group from '../../src/gen/customer/v1/customer_group';
import { BadRequest, ErrorInfo, ResourceInfo, RetryInfo } from '../../src/gen/google/rpc/error_details';
import { Status } from '../../src/gen/google/rpc/status';

/** A refusal as a caller sees it, its details decoded. */
export type Refusal = {
  readonly code: keyof typeof status;
  readonly message: string;
  readonly reason?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly fields?: readonly string[];
  readonly resource?: string;
  readonly retries?: boolean;
};

/** What a caller can read out of an error. */
export const refusalOf = (error: ServiceError): Refusal => {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const details = Buffer.isBuffer(bytes) ? Status.decode(bytes).details : [];
  const find = <T>(name: string, decode: (value: Uint8Array) => T): T | undefined => {
    const found = details.find(({ type_url }) => type_url.endsWith(`/google.rpc.${name}`));
    return found === undefined ? undefined : decode(found.value);
  };
  const info = find('ErrorInfo', ErrorInfo.decode);
  return {
    code: status[error.code] as keyof typeof status,
    message: error.details,
    ...(info === undefined ? {} : { reason: info.reason, metadata: info.metadata }),
    fields: find('BadRequest', BadRequest.decode)?.field_violations.map(({ field }) => field) ?? [],
    resource: find('ResourceInfo', ResourceInfo.decode)?.resource_name ?? '',
    retries: find('RetryInfo', RetryInfo.decode) !== undefined,
  };
};

const MESSAGES = { ...customer, ...group, ...event };
type Messages = typeof MESSAGES;
export type Rpc = Uncapitalize<
  Extract<keyof Messages, `${string}Request`> extends `${infer Name}Request` ? Name : never
>;
type MessageOf<Name> = Name extends keyof Messages
  ? Messages[Name] extends { readonly decode: (...args: never) => infer Message }
    ? Message
    : never
  : never;
type DeepPartial<T> = T extends readonly (infer Item)[]
  ? readonly DeepPartial<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]?: DeepPartial<T[Key]> | undefined }
    : T;
export type Request<Name extends string> = DeepPartial<MessageOf<`${Capitalize<Name>}Request`>>;
export type Response<Name extends string> = MessageOf<`${Capitalize<Name>}Response`>;

type Method = (
  request: unknown,
  metadata: Metadata,
  options: { deadline?: number },
  callback: (error: ServiceError | null, response: never) => void,
) => unknown;

export type CallOptions = { readonly deadlineMs?: number; readonly headers?: Readonly<Record<string, string>> };

/** A real gRPC client of every service, whose calls are promises; a refused one rejects with a Refusal. */
export type TestClient = {
  readonly call: <Name extends Rpc>(
    name: Name,
    request: Request<Name>,
    options?: CallOptions,
  ) => Promise<Response<Name>>;
  /** The refusal of a call that must be refused. */
  readonly refusal: (call: Promise<unknown>) => Promise<Refusal>;
  readonly raw: customer.CustomerServiceClient;
  readonly events: event.CustomerEventServiceClient;
  readonly close: () => void;
};

/** `target`: a port of this machine, or how gRPC names where to connect to. */
export const connect = (target: number | string, channel: ChannelOptions = {}): TestClient => {
  const address = typeof target === 'number' ? `127.0.0.1:${target}` : target;
  const raw = new customer.CustomerServiceClient(address, credentials.createInsecure(), channel);
  const groups = new group.CustomerGroupServiceClient(address, credentials.createInsecure(), channel);
  const events = new event.CustomerEventServiceClient(address, credentials.createInsecure(), channel);
  const clients = [raw, groups, events];
  let isClosed = false;
  return {
    raw,
    events,
    close: () => {
      isClosed = true;
      clients.forEach((client) => client.close());
    },
    call: (name, request, { deadlineMs, headers = {} } = {}) =>
      new Promise((resolve, reject) => {
        // Load that outlives its failed test waits for ever: refused at once, it would call again without a pause and
        // keep the worker from ending.
        if (isClosed) return;
        const metadata = new Metadata();
        for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
        const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
        const client = clients.find((one) => name in one) as unknown as Record<string, Method>;
        const type = `${name[0]!.toUpperCase()}${name.slice(1)}Request` as 'GetCustomerRequest';
        client[name]!(MESSAGES[type].fromPartial(request as never), metadata, options, (error, response) => {
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a Refusal reads better in a failed test
          if (error !== null) reject(refusalOf(error));
          else resolve(response);
        });
      }),
    refusal: async (call) => {
      const answer = await call.then(
        (response: unknown) => ({ response }),
        (refusal: unknown) => ({ refusal: refusal as Refusal }),
      );
      if ('refusal' in answer) return answer.refusal;
      throw new Error(`was not refused but answered ${JSON.stringify(answer.response)}`);
    },
  };
};
