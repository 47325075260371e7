import { credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import {
  CustomerServiceClient,
  type CreateCustomerRequest,
  type CreateCustomerResponse,
  type DeleteCustomerRequest,
  type DeleteCustomerResponse,
  type GetCustomerRequest,
  type GetCustomerResponse,
  type UpdateCustomerRequest,
  type UpdateCustomerResponse,
} from '../../src/gen/customer/v1/customer';
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

const refusalOf = (error: ServiceError): Refusal => {
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

type Method<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: { deadline?: number },
  callback: (error: ServiceError | null, response: Response) => void,
) => unknown;

type Calls = {
  createCustomer: [CreateCustomerRequest, CreateCustomerResponse];
  getCustomer: [GetCustomerRequest, GetCustomerResponse];
  updateCustomer: [UpdateCustomerRequest, UpdateCustomerResponse];
  deleteCustomer: [DeleteCustomerRequest, DeleteCustomerResponse];
};

export type CallOptions = { readonly deadlineMs?: number; readonly headers?: Readonly<Record<string, string>> };

/** A real gRPC client whose calls are promises; a refused one rejects with a Refusal. */
export type TestClient = {
  readonly call: <Name extends keyof Calls>(
    name: Name,
    request: Partial<Calls[Name][0]>,
    options?: CallOptions,
  ) => Promise<Calls[Name][1]>;
  /** The refusal of a call that must be refused. */
  readonly refusal: (call: Promise<unknown>) => Promise<Refusal>;
  readonly raw: CustomerServiceClient;
  readonly close: () => void;
};

const REQUESTS = {
  createCustomer: {
    email: '',
    password: '',
    first_name: '',
    last_name: '',
    phone: '',
    external_id: '',
    id: '',
    request_id: '',
  },
  getCustomer: { id: '' },
  updateCustomer: { id: '', request_id: '' },
  deleteCustomer: { id: '', request_id: '' },
};

export const connect = (port: number): TestClient => {
  const raw = new CustomerServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    raw,
    close: () => raw.close(),
    call: (name, request, { deadlineMs, headers = {} } = {}) =>
      new Promise((resolve, reject) => {
        const metadata = new Metadata();
        for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
        const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
        const method = raw[name].bind(raw) as unknown as Method<unknown, never>;
        method({ ...REQUESTS[name], ...request }, metadata, options, (error, response) => {
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
