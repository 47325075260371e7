import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { startPostgres } from '../dev/postgres';
import { freePort, run } from '../dev/run';
import { migrate } from '../src/db/migrate';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'in-flight': { type: 'string', default: '64' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '2' },
  },
});

const RPCS = ['get', 'create', 'update'] as const;
type Rpc = (typeof RPCS)[number];
const rpcs = RPCS.filter((rpc) => positionals.length === 0 || positionals.includes(rpc));

type Sample = {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly serverMicros: number;
  readonly clientMicros: number;
  readonly errors: number;
};

const undo: (() => unknown)[] = [];
const dir = mkdtempSync(join(tmpdir(), 'customer-service-bench-'));
chmodSync(dir, 0o755);
undo.push(() => rmSync(dir, { recursive: true, force: true }));

/** The same 10,000 customers in each database. */
const FILL = `insert into customers (id, email, first_name, last_name, phone, phone_key, metadata, first_name_folded,
    last_name_folded, search_text, revision, created_at, updated_at, occurred_at)
  select 'cus_' || lpad(n::text, 26, '0'), 'filled-' || n || '@example.com', 'Anna', 'Jensen', '+4512345678', '+4512345678',
         '{"source":"fill"}', 'anna', 'jensen', 'filled-' || n || E'@example.com\nanna\njensen\n+4512345678\n filled anna jensen',
         1, now(), now(), now() from generate_series(0, 9999) n`;

const prepareDatabase = async (url: string, name: string): Promise<string> => {
  const target = url.replace(/\/[^/]+$/, `/${name}`);
  const admin = new Client({ connectionString: url });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  await migrate(target);
  const client = new Client({ connectionString: target });
  await client.connect();
  await client.query(FILL);
  await client.query('vacuum analyze');
  await client.end();
  return target;
};

type Target = { readonly name: string; readonly port: number; readonly child: ChildProcess };

const start = async (name: string, args: readonly string[], env: Record<string, string>): Promise<Target> => {
  const port = await freePort();
  const quiet = openSync('/dev/null', 'w');
  const child = spawn(process.execPath, args, {
    env: { ...process.env, NODE_ENV: '', PORT: String(port), ...env },
    stdio: ['ignore', quiet, 'inherit'],
  });
  undo.push(() => child.kill('SIGKILL'));
  await delay(2_500);
  return { name, port, child };
};

/** CPU time of a process so far, in microseconds (Linux; 0 elsewhere). */
const cpuMicros = (pid: number | undefined): number => {
  try {
    const fields =
      readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return 0;
  }
};

const measure = async (target: Target, rpc: Rpc, seconds: string, round: string): Promise<Sample> => {
  const before = cpuMicros(target.child.pid);
  const settings = {
    port: String(target.port),
    rpc,
    seconds,
    'in-flight': values['in-flight'],
    run: `${rpc}-${round}`,
  };
  const args = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]);
  const output = await run(process.execPath, ['--import', 'tsx', join(__dirname, 'load.ts'), ...args]);
  const result = JSON.parse(output.trim().split('\n').at(-1) ?? '{}') as {
    calls: number;
    perSecond: number;
    p50: number;
    p99: number;
    statuses: Record<string, number>;
    clientCpuMicros: number;
  };
  return {
    perSecond: result.perSecond,
    p50: result.p50,
    p99: result.p99,
    serverMicros: Math.round((cpuMicros(target.child.pid) - before) / result.calls),
    clientMicros: result.clientCpuMicros,
    errors: result.calls - (result.statuses['0'] ?? 0),
  };
};

const mean = (samples: readonly Sample[], of: (sample: Sample) => number): number =>
  samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;

const line = (name: string, rpc: Rpc, samples: readonly Sample[], ratio: string): string =>
  `| ${rpc} | ${name} | ${Math.round(mean(samples, (s) => s.perSecond))} | ${mean(samples, (s) => s.p50).toFixed(1)} | ${mean(samples, (s) => s.p99).toFixed(1)} | ${Math.round(mean(samples, (s) => s.serverMicros))} | ${Math.round(mean(samples, (s) => s.clientMicros))} | ${mean(samples, (s) => s.errors)} | ${ratio} |`;

/** Rounds of floor and product in turn, so that what drifts on the machine drifts for both. */
const main = async (): Promise<void> => {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const postgres = await startPostgres({ dataDir: join(dir, 'postgres'), port: await freePort(), say });
  undo.push(postgres.stop);
  const floor = await start('floor', ['--import', 'tsx', join(__dirname, 'floor.ts')], {
    DATABASE_URL: await prepareDatabase(postgres.url, 'bench_floor'),
  });
  const product = await start('product', [join(__dirname, '../dist/bin/serve.js')], {
    DATABASE_URL: await prepareDatabase(postgres.url, 'bench_product'),
    HTTP_PORT: 'off',
  });
  process.stdout.write(`${values['in-flight']} in flight, ${values.rounds} rounds of ${values.seconds} s each\n\n`);
  process.stdout.write(
    '| rpc | server | calls/s | p50 ms | p99 ms | server CPU µs | load CPU µs | errors | ratio |\n|---|---|---|---|---|---|---|---|---|\n',
  );
  for (const rpc of rpcs) {
    const samples: Record<'floor' | 'product', Sample[]> = { floor: [], product: [] };
    for (const target of [floor, product]) await measure(target, rpc, '2', 'warm');
    for (let round = 0; round < Number(values.rounds); round += 1) {
      samples.floor.push(await measure(floor, rpc, values.seconds, `${round}`));
      samples.product.push(await measure(product, rpc, values.seconds, `${round}`));
    }
    const ratio = mean(samples.product, (s) => s.perSecond) / mean(samples.floor, (s) => s.perSecond);
    process.stdout.write(
      `${line('floor', rpc, samples.floor, '1.00')}\n${line('product', rpc, samples.product, ratio.toFixed(2))}\n`,
    );
  }
};

const end = async (code: number): Promise<never> => {
  for (const step of undo.reverse()) await step();
  process.exit(code);
};

process.on('SIGINT', () => void end(1));
process.on('SIGTERM', () => void end(1));
main().then(
  () => end(0),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    return end(1);
  },
);
