import { types } from 'node:util';
import { DomainError, type Reason } from '../errors';

/** A SQLSTATE: what the server said, as against a connection that broke. */
const SQLSTATE = /^[0-9A-Z]{5}$/;

/** Node's and pg's ways to say that there is no connection; none of them carries a SQLSTATE. */
const NO_CONNECTION =
  /^(E[A-Z]+|ERR_STREAM_\w+|CONNECTION_ENDED)$|connection (terminated|ended|error)|not queryable|client was closed|timeout (expired|exceeded)|timeout acquiring a connection|the pool is probably full|pool is (draining|destroyed)|unable to acquire a connection/i;

/** By SQLSTATE class or code: the database is there, but cannot work now. 42P01 and its like: the schema is not ours. */
const UNAVAILABLE = /^(08|53|57P|58|28|3D|3F|25006|25P03|42P01|42703|42501|XX)/;

/** The transaction lost against another one; the same work may well succeed when it is run again. */
const CONFLICT = new Set(['40001', '40P01', '55P03']);

/** An error of any realm: those of Node's own sockets are no `instanceof Error` inside of jest. */
const { isNativeError } = types;

/** Objection wraps what the server refused, and its wrapping has no code. */
const unwrapped = (error: unknown): unknown =>
  isNativeError(error) && 'nativeError' in error ? error.nativeError : error;

/** The SQLSTATE of what the server refused; undefined for anything else, a broken connection included. */
export const sqlState = (thrown: unknown): string | undefined => {
  const error = unwrapped(thrown);
  const code = isNativeError(error) && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && SQLSTATE.test(code) && !code.startsWith('E') ? code : undefined;
};

/** True for 40001, 40P01 and 55P03 (the seed retries on the first two). */
export const isConflict = (error: unknown): boolean => CONFLICT.has(sqlState(error) ?? '');

/** True when the connection broke or never was, so that nobody knows what the server did last. */
export const isConnectionLoss = (error: unknown): boolean => {
  if (!isNativeError(error) || error instanceof DomainError || sqlState(error) !== undefined) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return NO_CONNECTION.test(code) || NO_CONNECTION.test(error.message);
};

/**
 * What a caller is told about a failure of the database, whatever it was doing; undefined when the error is none that
 * a caller could do anything about, in other words a bug.
 */
export const asDomainError = (error: unknown): DomainError | undefined => {
  if (error instanceof DomainError) return error;
  const refuse = (reason: Reason, message: string) => new DomainError(reason, message, { cause: error });
  const state = sqlState(error);
  if (isConnectionLoss(error) || (state !== undefined && UNAVAILABLE.test(state))) {
    return refuse('DATABASE_UNAVAILABLE', 'The database is not available, try again');
  }
  if (state === '57014') return refuse('DEADLINE_EXCEEDED', 'The deadline passed before the database had finished');
  if (isConflict(error)) return refuse('TRANSACTION_CONFLICT', 'Other changes were in the way, try again');
  return undefined;
};
