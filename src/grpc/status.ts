import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { asDomainError } from '../db/refusals';
import type { DomainError } from '../errors';
import { type Reason } from '../errors';
import { BadRequest, ErrorInfo, ResourceInfo, RetryInfo } from '../gen/google/rpc/error_details';
import { Status } from '../gen/google/rpc/status';

/** The one map from the reasons of the contract to status codes. */
export const CODES: Readonly<Record<Reason | 'INTERNAL', status>> = {
  INVALID_REQUEST: status.INVALID_ARGUMENT,
  PAGE_TOKEN_INVALID: status.INVALID_ARGUMENT,
  REQUEST_ID_REUSED: status.INVALID_ARGUMENT,
  CUSTOMER_NOT_FOUND: status.NOT_FOUND,
  ADDRESS_NOT_FOUND: status.NOT_FOUND,
  GROUP_NOT_FOUND: status.NOT_FOUND,
  EVENT_NOT_FOUND: status.NOT_FOUND,
  SERVICE_UNKNOWN: status.NOT_FOUND,
  CUSTOMER_ALREADY_REGISTERED: status.ALREADY_EXISTS,
  GUEST_ALREADY_EXISTS: status.ALREADY_EXISTS,
  CUSTOMER_ID_TAKEN: status.ALREADY_EXISTS,
  EXTERNAL_ID_TAKEN: status.ALREADY_EXISTS,
  ADDRESS_ALREADY_EXISTS: status.ALREADY_EXISTS,
  GROUP_NAME_TAKEN: status.ALREADY_EXISTS,
  CUSTOMER_HAS_NO_ACCOUNT: status.FAILED_PRECONDITION,
  RESET_TOKEN_INVALID: status.FAILED_PRECONDITION,
  PASSWORD_MISMATCH: status.FAILED_PRECONDITION,
  TOO_MANY_ADDRESSES: status.FAILED_PRECONDITION,
  CUSTOMER_ERASED: status.FAILED_PRECONDITION,
  POSITION_TOO_OLD: status.FAILED_PRECONDITION,
  KAFKA_NOT_CONFIGURED: status.FAILED_PRECONDITION,
  POSITION_AHEAD: status.OUT_OF_RANGE,
  REVISION_MISMATCH: status.ABORTED,
  TRANSACTION_CONFLICT: status.ABORTED,
  OVERLOADED: status.RESOURCE_EXHAUSTED,
  DATABASE_UNAVAILABLE: status.UNAVAILABLE,
  DRAINING: status.UNAVAILABLE,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  CANCELLED: status.CANCELLED,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  PERMISSION_DENIED: status.PERMISSION_DENIED,
  INTERNAL: status.INTERNAL,
};

/** After how many seconds it makes sense to try again. */
const RETRY_AFTER_SECONDS: Partial<Record<Reason, number>> = {
  OVERLOADED: 1,
  DATABASE_UNAVAILABLE: 1,
  DRAINING: 0,
  TRANSACTION_CONFLICT: 0,
};

/** The trailer as a whole stays below 4 KiB: proxies cut more. Details are base64 on the wire, messages percent-encoded. */
const MAX = { detailBytes: 1_900, encodedMessage: 600, text: 200 } as const;

/** A pair of surrogates may be cut in two. */
const cut = (text: string, max: number): string =>
  (text.length <= max ? text : `${text.slice(0, max - 1)}…`).toWellFormed();

const cutEncoded = (text: string): string => {
  let shorter = cut(text, MAX.encodedMessage);
  while (encodeURIComponent(shorter).length > MAX.encodedMessage) {
    shorter = cut(shorter, Math.floor(shorter.length * 0.8));
  }
  return shorter;
};

type Codec<Message> = { readonly encode: (message: Message) => { readonly finish: () => Uint8Array } };

const detail = <Message>(type: string, codec: Codec<Message>, message: Message) => ({
  type_url: `type.googleapis.com/google.rpc.${type}`,
  value: Buffer.from(codec.encode(message).finish()),
});

const detailsOf = (reason: Reason | 'INTERNAL', error: Pick<DomainError, 'metadata' | 'violations' | 'resource'>) => {
  const metadata = Object.fromEntries(
    Object.entries(error.metadata).map(([key, value]) => [key, cut(value, MAX.text)]),
  );
  const details = [detail('ErrorInfo', ErrorInfo, { reason, domain: 'customer.v1', metadata })];
  if (error.resource !== undefined) {
    details.push(
      detail('ResourceInfo', ResourceInfo, {
        resource_type: error.resource.type,
        resource_name: error.resource.name,
        owner: '',
        description: '',
      }),
    );
  }
  const seconds = reason === 'INTERNAL' ? undefined : RETRY_AFTER_SECONDS[reason];
  if (seconds !== undefined) {
    const retry_delay = { seconds, nanos: seconds === 0 ? 50_000_000 : 0 };
    details.push(detail('RetryInfo', RetryInfo, { retry_delay }));
  }
  if (error.violations.length > 0) details.push(badRequest(error.violations));
  return details;
};

/** As many violations as fit. */
const badRequest = (violations: DomainError['violations']) => {
  const field_violations = violations.slice(0, 20).map(({ field, description }) => ({
    field: cut(field, MAX.text),
    description: cut(description, MAX.text),
    reason: '',
    localized_message: undefined,
  }));
  for (;;) {
    const found = detail('BadRequest', BadRequest, { field_violations });
    if (found.value.length <= MAX.detailBytes - 300 || field_violations.length <= 1) return found;
    field_violations.pop();
  }
};

/** google.rpc.Status, with a code that is one of grpc-js. */
export type Refusal = Status & { readonly code: status };

const refusalFor = (
  reason: Reason | 'INTERNAL',
  message: string,
  error: Pick<DomainError, 'metadata' | 'violations' | 'resource'>,
): Refusal => ({ code: CODES[reason], message: cutEncoded(message), details: detailsOf(reason, error) });

/**
 * What a caller is told about anything that was thrown. `isBug`: it is none of ours, so it is answered INTERNAL with
 * fixed text and the call's id, under which the log must hold the cause.
 */
export const refusalOf = (thrown: unknown, callId: string): { readonly refusal: Refusal; readonly isBug: boolean } => {
  const error = asDomainError(thrown);
  if (error !== undefined) return { refusal: refusalFor(error.reason, error.message, error), isBug: false };
  const metadata = { call_id: callId };
  return {
    refusal: refusalFor('INTERNAL', 'Internal error', { metadata, violations: [], resource: undefined }),
    isBug: true,
  };
};

/** An answer in grpc-js' own form. */
export type Answer = Pick<ServiceError, 'code' | 'details' | 'metadata'>;

/** A refusal as the end of a call. */
export const answerWith = (refusal: Refusal): Answer => {
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(Status.encode(refusal).finish()));
  return { code: refusal.code, details: refusal.message, metadata };
};
