import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import bcrypt from 'bcrypt';
import { createPasswords, isKnownHash } from '../../src/security/passwords';
import { watchHashing } from '../support/hashing';

const COST = 5;
const patience = { deadline: Infinity, signal: new AbortController().signal };
const passwords = createPasswords({ cost: COST });

/** Made by the npm package scrypt-kdf 4.0.0: as the seed's platform makes them (logN 1, r 1, p 1), and with logN 12, r 8. */
const SCRYPT = {
  weak: 'c2NyeXB0AAEAAAABAAAAAe8VB4e3W3qv+BRDjLwGdhvYzz7q83+/clEAYnygIV1Dvs1PjqJd2VVDZa82IsNDTHPU0HltCtTqNeo2lwNXY9FD0uR0ClG7Uoc7qXcregrI',
  strong:
    'c2NyeXB0AAwAAAAIAAAAAVolTrvwt5HMBDMmiAYiKr7B+e0rCqvFemUpYR4IcghAcC8u90MB5pQBnc5hYC/3IIyLM/T0AWapIyhkukPCXSwqgWibnfPe0+DngN2Sv7hh',
} as const;

/** With other parameters and a checksum that is right for them. */
const forged = (logN: number, r: number, p: number): string => {
  const bytes = Buffer.from(SCRYPT.weak, 'base64');
  bytes.writeUInt8(logN, 7);
  bytes.writeUInt32BE(r, 8);
  bytes.writeUInt32BE(p, 12);
  createHash('sha256').update(bytes.subarray(0, 48)).digest().copy(bytes, 48, 0, 16);
  return bytes.toString('base64');
};

/** What is compared, by the cost of each comparison. */
const comparisons = async (work: () => Promise<unknown>): Promise<number[]> => {
  const watch = watchHashing();
  try {
    await work();
    return watch.comparedWith().map(bcrypt.getRounds);
  } finally {
    watch.restore();
  }
};

describe('passwords', () => {
  it('are hashed by bcrypt with the cost that was configured', async () => {
    const hash = await passwords.hash('some password', patience);
    expect(hash).toMatch(/^\$2b\$05\$/);
    expect(passwords.isOutdated(hash)).toBe(false);
    expect(await passwords.matches('some password', hash, patience)).toBe(true);
    expect(await passwords.matches('another one', hash, patience)).toBe(false);
  });

  (process.platform === 'linux' ? it : it.skip)('are hashed in threads that leave the cores to calls', async () => {
    await passwords.hash('some password', patience);
    const niceness = readdirSync('/proc/self/task').map((thread) =>
      Number(readFileSync(`/proc/self/task/${thread}/stat`, 'utf8').split(') ')[1]?.split(' ')[16]),
    );
    const own = Math.min(...niceness);
    expect(niceness).toContain(Math.min(19, own + 10));
  });

  it.each(['$2a$', '$2b$', '$2y$'])('match an imported bcrypt hash %s', async (prefix) => {
    const hash = bcrypt.hashSync('imported', 4).replace('$2b$', prefix);
    expect(isKnownHash(hash)).toBe(true);
    expect(await passwords.matches('imported', hash, patience)).toBe(true);
    expect(await passwords.matches('another one', hash, patience)).toBe(false);
    expect(passwords.isOutdated(hash)).toBe(true);
  });

  it('match what scrypt-kdf has hashed', async () => {
    expect(isKnownHash(SCRYPT.weak)).toBe(true);
    expect(isKnownHash(SCRYPT.strong)).toBe(true);
    expect(await passwords.matches('medusa password', SCRYPT.weak, patience)).toBe(true);
    expect(await passwords.matches('pässwörd', SCRYPT.strong, patience)).toBe(true);
    expect(await passwords.matches('medusa password', SCRYPT.strong, patience)).toBe(false);
    expect(passwords.isOutdated(SCRYPT.weak)).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['plain text', 'secret password'],
    ['bcrypt cut short', bcrypt.hashSync('x', 4).slice(0, -1)],
    ['bcrypt with more behind it', `${bcrypt.hashSync('x', 4)}\n`],
    ['bcrypt of a cost that takes hours', bcrypt.hashSync('x', 4).replace('$04$', '$31$')],
    ['bcrypt of no cost', bcrypt.hashSync('x', 4).replace('$04$', '$00$')],
    ['scrypt that takes 2^30 rounds', forged(30, 8, 1)],
    ['scrypt that takes gigabytes', forged(15, 0xffffffff, 1)],
    ['scrypt that goes on for ever', forged(1, 1, 0xffffffff)],
    ['scrypt with parameters that it forbids', forged(16, 1, 1)],
    ['scrypt with no parameters', forged(0, 0, 0)],
    ['scrypt with a damaged checksum', `${SCRYPT.weak.slice(0, 80)}AAAA${SCRYPT.weak.slice(84)}`],
    ['scrypt cut short', SCRYPT.weak.slice(0, -4)],
    ['another kind', '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA'],
  ])('know no %s, and no password matches it', async (_, hash) => {
    expect(isKnownHash(hash)).toBe(false);
    expect(await passwords.matches('x', hash, patience)).toBe(false);
  });

  it('of more than 72 bytes are wrong, whatever the first 72 are', async () => {
    const most = 'é'.repeat(36);
    const hash = await passwords.hash(most, patience);
    expect(await passwords.matches(most, hash, patience)).toBe(true);
    expect(await bcrypt.compare(`${most}x`, hash)).toBe(true);
    expect(await passwords.matches(`${most}x`, hash, patience)).toBe(false);
  });

  it.each<[string, string | undefined, string, number[]]>([
    ['no hash', undefined, 'x', [COST]],
    ['one of ours', bcrypt.hashSync('y', COST), 'x', [COST]],
    ['one of ours and a long password', bcrypt.hashSync('y', COST), 'x'.repeat(73), [COST]],
    ['a cheaper one', bcrypt.hashSync('y', COST - 1), 'x', [COST - 1, COST - 1]],
    ['a cheaper one, $2y$', bcrypt.hashSync('y', COST - 1).replace('$2b$', '$2y$'), 'x', [COST - 1, COST - 1]],
    ['scrypt, almost for nothing,', SCRYPT.weak, 'x', [COST]],
    ['an unknown kind', 'unknown', 'x', [COST]],
  ])('that do not match cost the same work: %s', async (_, hash, password, costs) => {
    expect(await comparisons(() => passwords.matches(password, hash, patience))).toEqual(costs);
  });

  it('are hashed one after the other when only one may be at a time, and refused beyond the queue', async () => {
    const narrow = createPasswords({ cost: 4, atOnce: 1, maxQueued: 2 });
    const hashes = Array.from({ length: 5 }, () => narrow.hash('some password', patience));
    expect(narrow.isFull()).toBe(true);
    const results = await Promise.allSettled(hashes);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect(results[3]).toMatchObject({ reason: { reason: 'OVERLOADED' } });
  });
});
