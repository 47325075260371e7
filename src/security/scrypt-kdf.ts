import { createHash, createHmac, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/**
 * Hashes of the npm package `scrypt-kdf`, as the seed's platform stores them: base64 of 96 bytes in the header format of
 * Tarsnap's scrypt: `scrypt`, version 0, logN, r, p (big-endian), salt (16..48), the first half of the SHA-256 of all
 * that (48..64), and an HMAC-SHA-256 of all that by the second half of the derived key (64..96). Read here, because the
 * package bounds no parameter when it verifies.
 */
const FORM = /^[A-Za-z0-9+/]{128}$/;

/** N·r·p: about half a second and at most 128 MiB. The seed's platform has 2, the package recommends 2^18. */
const MAX_WORK = 2 ** 20;
const MAX_BYTES = 256 * 2 ** 20;

type Parsed = { readonly bytes: Buffer; readonly N: number; readonly r: number; readonly p: number };

const parse = (hash: string): Parsed | undefined => {
  if (!FORM.test(hash)) return undefined;
  const bytes = Buffer.from(hash, 'base64');
  const [version, logN, r, p] = [bytes[6], bytes.readUInt8(7), bytes.readUInt32BE(8), bytes.readUInt32BE(12)];
  const N = 2 ** logN;
  const isBounded = logN >= 1 && r >= 1 && p >= 1 && logN < 16 * r && N * r * p <= MAX_WORK;
  const checksum = createHash('sha256').update(bytes.subarray(0, 48)).digest().subarray(0, 16);
  const isWhole =
    bytes.toString('latin1', 0, 6) === 'scrypt' && version === 0 && checksum.equals(bytes.subarray(48, 64));
  return isBounded && isWhole ? { bytes, N, r, p } : undefined;
};

/** True for a well-formed hash whose parameters are within bounds; a damaged checksum is not well-formed. */
export const isScryptKdf = (hash: string): boolean => parse(hash) !== undefined;

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);

/** False, without work, for what is no such hash. */
export const matchesScryptKdf = async (password: string, hash: string): Promise<boolean> => {
  const parsed = parse(hash);
  if (parsed === undefined) return false;
  const { bytes, N, r, p } = parsed;
  const key = await derive(password, bytes.subarray(16, 48), 64, { N, r, p, maxmem: MAX_BYTES });
  const hmac = createHmac('sha256', key.subarray(32)).update(bytes.subarray(0, 64)).digest();
  return timingSafeEqual(hmac, bytes.subarray(64));
};
