import { createHmac } from 'node:crypto';
import jwt from 'jsonwebtoken';

/** How long a token is good for (the seed's 15 minutes). */
export const RESET_TOKEN_SECONDS = 15 * 60;

/** Keyed by the current password hash as well, so that a token dies with the password and is never stored. */
const keyOf = (secret: string, password_hash: string): string =>
  createHmac('sha256', secret).update(password_hash).digest('hex');

/** A token of the seed's form: HS256, payload `customer_id, iat, exp`; `iat` in seconds. */
export const makeResetToken = (secret: string, password_hash: string, customer_id: string, iat: number): string =>
  jwt.sign({ customer_id, iat, exp: iat + RESET_TOKEN_SECONDS }, keyOf(secret, password_hash), { algorithm: 'HS256' });

const decoded = (token: string): string | jwt.JwtPayload | null => {
  try {
    return jwt.decode(token);
  } catch {
    // Thrown for a payload that is no JSON.
    return null;
  }
};

/** Whose token it claims to be, before anything is verified. */
export const claimedCustomer = (token: string): string | undefined => {
  const payload = decoded(token);
  const id: unknown = typeof payload === 'object' && payload !== null ? payload['customer_id'] : undefined;
  return typeof id === 'string' ? id : undefined;
};

/** True for a token that one of the secrets signed for this hash and that has not expired. */
export const isResetToken = (secrets: readonly string[], password_hash: string, token: string): boolean =>
  secrets.some((secret) => {
    try {
      const payload = jwt.verify(token, keyOf(secret, password_hash), { algorithms: ['HS256'] });
      // One without `exp` would never expire.
      return typeof payload === 'object' && payload.exp !== undefined;
    } catch {
      return false;
    }
  });
