import { readFileSync } from 'node:fs';
import { credentials, status, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { CustomerServiceClient, type Customer, type Customer_Relation } from '../gen/customer/v1/customer';

/** How to reach a service: without any of the files in plain text. */
export type Target = {
  /** `host:port`. */
  readonly address: string;
  /** TLS with the certificates that Node trusts. */
  readonly tls: boolean;
  /** PEM files; the first means TLS, the other two mTLS. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
};

const credentialsOf = ({ tls, caFile, certFile, keyFile }: Target): ChannelCredentials => {
  if (!tls && caFile === undefined && certFile === undefined) return credentials.createInsecure();
  const [ca = null, key = null, cert = null] = [caFile, keyFile, certFile].map((file) =>
    file === undefined ? null : readFileSync(file),
  );
  return credentials.createSsl(ca, key, cert);
};

/** A client for a command. Throws when a certificate cannot be read. */
export const connect = (target: Target): CustomerServiceClient =>
  new CustomerServiceClient(target.address, credentialsOf(target));

/** The codes after which the same stream may succeed on another connection or a moment later. */
const PASSING: ReadonlySet<status> = new Set([
  status.UNAVAILABLE,
  status.RESOURCE_EXHAUSTED,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.ABORTED,
]);

/** True for an error that may pass by itself. */
export const isPassing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && PASSING.has((error as ServiceError).code);

/** `UNAVAILABLE: …`, for people. */
export const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return 'details' in error && 'code' in error
    ? `${status[(error as ServiceError).code]}: ${(error as ServiceError).details}`
    : error.message;
};

/** The customers with these ids that are there, in their order, with the relations asked for. */
export const batchGetCustomers = (
  client: CustomerServiceClient,
  { ids, expand }: { readonly ids: string[]; readonly expand: Customer_Relation[] },
): Promise<Customer[]> =>
  new Promise((resolve, reject) => {
    client.batchGetCustomers({ ids, read_mask: undefined, expand }, (error, response) => {
      if (error === null) resolve(response.customers);
      else reject(error);
    });
  });
