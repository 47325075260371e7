import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { startPostgres } from '../dev/postgres';
import { freePort, run } from '../dev/run';
import { migrate } from '../src/db/migrate';
import type { Rpc } from './bodies';
import type { LoadResult } from './load';

/** A server under test, in a process of its own. */
export type Server = { readonly name: string; readonly port: number; readonly child: ChildProcess };

/** What a bench runs on: databases, servers, files. Everything of it is gone after `end`, whatever happened before. */
export type Stage = {
  readonly dir: string;
  /** A new database with the product's schema; the url of its own. */
  readonly database: (name: string) => Promise<string>;
  /**
   * The same, filled; on a stage that keeps its databases it is filled once, and brought to the newest schema each time.
   */
  readonly filled: (name: string, fill: (client: Client) => Promise<void>) => Promise<string>;
  /** Of a filled database: nothing happens when it is kept. */
  readonly drop: (name: string) => Promise<void>;
  /** Starts a node process and answers once its port does, if it `listens`. Throws when it ends before. */
  readonly server: (
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    options?: { readonly listens: boolean },
  ) => Promise<Server>;
  readonly stop: (server: Server) => Promise<void>;
  /** What else has to be undone at the end. */
  readonly undo: (step: () => unknown) => void;
  readonly end: () => Promise<void>;
};

/** How the product, the floor and grpc-js alone are started. */
export const PRODUCT = [join(__dirname, '../dist/bin/serve.js')] as const;
export const RELAY = [join(__dirname, '../dist/bin/relay.js')] as const;
export const FLOOR = ['--import', 'tsx', join(__dirname, 'floor/serve.ts')] as const;
export const ALONE = ['--import', 'tsx', join(__dirname, 'floor/alone.ts')] as const;

export const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Runs work with one connection to a database. */
export const withClient = async <Result>(url: string, work: (client: Client) => Promise<Result>): Promise<Result> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const settle = (isThere: boolean) => () => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', settle(true));
    socket.once('error', settle(false));
  });

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

const stop = async ({ child }: Pick<Server, 'child'>): Promise<void> => {
  if (ended(child)) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  if ((await Promise.race([exit, delay(15_000, 'late', { ref: false })])) === 'late') child.kill('SIGKILL');
};

/** The comment on a database that is as the bench wants it. */
const FILLED = 'filled by the bench';

/**
 * No replica will come, so a table that is filled in the transaction that emptied it need not be logged. A quarter of
 * the memory for PostgreSQL, as its manual has it.
 */
const SETTINGS = [
  'wal_level=minimal',
  'max_wal_senders=0',
  'max_wal_size=4GB',
  'track_commit_timestamp=on',
  `shared_buffers=${Math.round(totalmem() / 4 / 1_048_576)}MB`,
];

/**
 * Real PostgreSQL, no faster than anybody's where calls change something: a commit is on disk before it is answered.
 * `keptIn`: a folder for its data that outlives the bench.
 */
export const setStage = async (keptIn?: string): Promise<Stage> => {
  const steps: (() => unknown)[] = [];
  const dir = mkdtempSync(join(tmpdir(), 'customer-service-bench-'));
  chmodSync(dir, 0o755);
  steps.push(() => rmSync(dir, { recursive: true, force: true }));
  const postgres = await startPostgres({
    dataDir: join(keptIn ?? dir, 'postgres'),
    port: await freePort(),
    settings: SETTINGS,
    say,
  });
  steps.push(postgres.stop);

  const ask = (text: string) => withClient(postgres.url, (client) => client.query(text));
  const database = async (name: string): Promise<string> => {
    const { rowCount } = await ask(`select from pg_database where datname = '${name}'`);
    if (rowCount === 0) await ask(`create database ${name}`);
    const url = postgres.url.replace(/\/[^/]+$/, `/${name}`);
    await migrate(url);
    return url;
  };

  return {
    dir,
    database,
    filled: async (name, fill) => {
      const url = await database(name);
      const { rows } = await ask(
        `select shobj_description(oid, 'pg_database') as note from pg_database where datname = '${name}'`,
      );
      if (rows[0]?.note === FILLED) return url;
      await withClient(url, fill);
      await ask(`comment on database ${name} is '${FILLED}'`);
      return url;
    },
    drop: async (name) => {
      if (keptIn === undefined) await ask(`drop database ${name} with (force)`);
    },
    server: async (name, args, env, { listens } = { listens: true }) => {
      const port = await freePort();
      const quiet = openSync('/dev/null', 'w');
      const child = spawn(process.execPath, args, {
        env: { ...process.env, NODE_ENV: '', HTTP_PORT: 'off', PORT: String(port), ...env },
        stdio: ['ignore', quiet, 'inherit'],
      });
      steps.push(() => stop({ child }));
      for (let tries = 0; listens && !(await answers(port)); tries += 1) {
        if (ended(child) || tries > 600) throw new Error(`${name} did not start`);
        await delay(50);
      }
      return { name, port, child };
    },
    stop,
    undo: (step) => void steps.push(step),
    end: async () => {
      for (const step of steps.splice(0).reverse()) await step();
    },
  };
};

/** CPU time of a process so far, in microseconds (Linux; 0 elsewhere). */
export const cpuMicros = ({ child }: Server): number => {
  try {
    const fields =
      readFileSync(`/proc/${child.pid ?? 0}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return 0;
  }
};

/** Resident memory of a process in MiB (Linux; 0 elsewhere). */
export const residentMib = ({ child }: Server): number => {
  try {
    const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8')) ?? [];
    return Math.round(Number(kib) / 1_024);
  } catch {
    return 0;
  }
};

export type LoadOptions = {
  readonly rpc: Rpc;
  readonly seconds: number;
  readonly run: string;
  readonly inFlight?: number;
  /** Calls a second; 0: as many as `inFlight` allows. */
  readonly rate?: number;
};

/** Loads a server from a process of its own. */
export const load = async ({ port }: Server, options: LoadOptions): Promise<LoadResult> => {
  const settings = {
    port,
    rpc: options.rpc,
    seconds: options.seconds,
    run: options.run,
    'in-flight': options.inFlight ?? 64,
    rate: options.rate ?? 0,
  };
  const args = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const output = await run(process.execPath, ['--import', 'tsx', join(__dirname, 'load.ts'), ...args]);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '{}') as LoadResult;
};
