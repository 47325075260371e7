/** Why a call was refused. Each has exactly one status code, see grpc/status.ts. */
export type Reason =
  | 'INVALID_REQUEST'
  | 'PAGE_TOKEN_INVALID'
  | 'REQUEST_ID_REUSED'
  | 'CUSTOMER_NOT_FOUND'
  | 'ADDRESS_NOT_FOUND'
  | 'GROUP_NOT_FOUND'
  | 'EVENT_NOT_FOUND'
  | 'SERVICE_UNKNOWN'
  | 'CUSTOMER_ALREADY_REGISTERED'
  | 'GUEST_ALREADY_EXISTS'
  | 'CUSTOMER_ID_TAKEN'
  | 'EXTERNAL_ID_TAKEN'
  | 'ADDRESS_ALREADY_EXISTS'
  | 'GROUP_NAME_TAKEN'
  | 'CUSTOMER_HAS_NO_ACCOUNT'
  | 'RESET_TOKEN_INVALID'
  | 'PASSWORD_MISMATCH'
  | 'TOO_MANY_ADDRESSES'
  | 'CUSTOMER_ERASED'
  | 'POSITION_TOO_OLD'
  | 'KAFKA_NOT_CONFIGURED'
  | 'POSITION_AHEAD'
  | 'REVISION_MISMATCH'
  | 'TRANSACTION_CONFLICT'
  | 'OVERLOADED'
  | 'DATABASE_UNAVAILABLE'
  | 'DRAINING'
  | 'DEADLINE_EXCEEDED'
  | 'CANCELLED'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED';

/** One fault of a request: `field` is the proto path (`email`, `addresses[0].city`, `metadata.<key>`). */
export type Violation = { readonly field: string; readonly description: string };

/** What an error is about, for google.rpc.ResourceInfo. */
export type Resource = { readonly type: 'customer' | 'address' | 'customer_group' | 'event'; readonly name: string };

export type ErrorDetails = {
  /** Facts for machines, in ErrorInfo.metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Every fault of the request, for INVALID_REQUEST. */
  readonly violations?: readonly Violation[];
  readonly resource?: Resource;
  /** Kept for the log, never answered. */
  readonly cause?: unknown;
};

/** A refusal that the caller is meant to see. Anything else that is thrown is a bug and is answered INTERNAL. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  readonly resource: Resource | undefined;

  constructor(
    readonly reason: Reason,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.metadata = details.metadata ?? {};
    this.violations = details.violations ?? [];
    this.resource = details.resource;
  }
}

/** CUSTOMER_NOT_FOUND for one id. */
export const customerNotFound = (id: string): DomainError => customerNotFoundBy(`id: ${id}`, id);

/** CUSTOMER_NOT_FOUND for whatever else was asked by; `name` is what the caller calls it. */
export const customerNotFoundBy = (what: string, name: string): DomainError =>
  new DomainError('CUSTOMER_NOT_FOUND', `Customer with ${what} was not found`, {
    resource: { type: 'customer', name },
  });

/** GROUP_NOT_FOUND for one id. */
export const groupNotFound = (id: string): DomainError =>
  new DomainError('GROUP_NOT_FOUND', `Customer group with id: ${id} was not found`, {
    resource: { type: 'customer_group', name: id },
  });

/** ADDRESS_NOT_FOUND for one that the customer does not have. */
export const addressNotFound = (id: string): DomainError =>
  new DomainError('ADDRESS_NOT_FOUND', `Customer has no address with id: ${id}`, {
    resource: { type: 'address', name: id },
  });

/** INVALID_REQUEST with the faults it found. */
export const invalidRequest = (
  violations: readonly Violation[],
  metadata: Readonly<Record<string, string>> = {},
): DomainError =>
  new DomainError(
    'INVALID_REQUEST',
    `Invalid request: ${violations
      .slice(0, 3)
      .map((v) => `${v.field}: ${v.description}`)
      .join('; ')}${violations.length > 3 ? `; and ${String(violations.length - 3)} more` : ''}`,
    { violations, metadata },
  );

/** What was thrown, in words. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
