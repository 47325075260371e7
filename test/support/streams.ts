import type { ClientDuplexStream, ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import {
  ImportCustomersRequest,
  CustomerFilter,
  type Customer,
  type CustomerServiceClient,
  type ExportCustomersResponse,
  type ImportCustomersResponse,
  type ImportCustomersResponse_Result,
} from '../../src/gen/customer/v1/customer';
import { BadRequest, ErrorInfo } from '../../src/gen/google/rpc/error_details';
import type { Status } from '../../src/gen/google/rpc/status';

/** A result of an import, with what its error says. */
export type Result = {
  readonly index: number;
  readonly customer?: Customer;
  readonly reason?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly fields?: readonly string[];
  readonly code?: number;
  readonly message?: string;
};

const detailsOf = ({ code, message, details }: Status) => {
  const find = (name: string) => details.find(({ type_url }) => type_url.endsWith(`/google.rpc.${name}`))?.value;
  const info = ErrorInfo.decode(find('ErrorInfo')!);
  const faults = BadRequest.decode(find('BadRequest') ?? new Uint8Array()).field_violations;
  return { code, message, reason: info.reason, metadata: info.metadata, fields: faults.map(({ field }) => field) };
};

export const resultOf = ({ index, outcome }: ImportCustomersResponse_Result): Result =>
  outcome?.$case === 'customer' ? { index, customer: outcome.value } : { index, ...detailsOf(outcome!.value) };

export type Row = Parameters<typeof ImportCustomersRequest.fromPartial>[0];
export type ImportStream = ClientDuplexStream<ImportCustomersRequest, ImportCustomersResponse>;

/** What a stream gave until it ended, and its error if it did not end with OK. */
export type Ended<Message> = { readonly messages: readonly Message[]; readonly error?: ServiceError };

export const collect = <Message>(stream: ImportStream | ClientReadableStream<Message>): Promise<Ended<Message>> =>
  new Promise((resolve) => {
    const messages: Message[] = [];
    stream.on('data', (message: Message) => messages.push(message));
    stream.on('end', () => resolve({ messages }));
    stream.on('error', (error: ServiceError) => resolve({ messages, error }));
    stream.resume();
  });

/** Imports rows and answers every result; throws when the stream does not end with OK. */
export const importAll = async (client: CustomerServiceClient, rows: Iterable<Row>): Promise<Result[]> => {
  const stream = client.importCustomers();
  const ended = collect<ImportCustomersResponse>(stream);
  for (const row of rows) {
    if (!stream.write(ImportCustomersRequest.fromPartial(row))) {
      await new Promise((resolve) => stream.once('drain', resolve));
    }
  }
  stream.end();
  const { messages, error } = await ended;
  if (error !== undefined) throw error;
  return messages.flatMap(({ results }) => results.map(resultOf));
};

/** Exports everything, or what a filter finds: the customers of all messages, and the last one's position. */
export const exportAll = async (
  client: CustomerServiceClient,
  filter?: Parameters<typeof CustomerFilter.fromPartial>[0],
): Promise<{ customers: Customer[]; position: string | undefined; messages: number }> => {
  const { messages, error } = await collect<ExportCustomersResponse>(
    client.exportCustomers({ filter: filter && CustomerFilter.fromPartial(filter) }),
  );
  if (error !== undefined) throw error;
  return {
    customers: messages.flatMap(({ customers }) => customers),
    position: messages.at(-1)?.position,
    messages: messages.length,
  };
};
