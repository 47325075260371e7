import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { migrate } from '../src/db/migrate';
import { startKafka, whyNoKafka } from './kafka';
import { startPostgres } from './postgres';
import { claimPort, type BackEnd } from './run';

const { env } = process;
const dataDir = env['DATA_DIR'] ?? '.data';
const port = Number(env['PORT'] ?? 50_051);
const httpPort = env['HTTP_PORT'] ?? '9464';
const startedAt = Date.now();
const say = (line: string): void =>
  void process.stdout.write(`[${((Date.now() - startedAt) / 1000).toFixed(1)} s] ${line}\n`);

/** Parts that run, in the order they were started; they are stopped the other way round. */
const running: { readonly name: string; readonly part: BackEnd }[] = [];
let isStopping = false;

const stopAll = async (code: number): Promise<void> => {
  if (isStopping) return;
  isStopping = true;
  for (const { name, part } of [...running].reverse()) {
    say(`stopping ${name}`);
    await part.stop();
  }
  process.exit(code);
};

/** Takes a part in: when it ends by itself, everything ends, saying whose fault it was. */
const keep = <Part extends BackEnd>(name: string, part: Part): Part => {
  running.push({ name, part });
  void part.crashed.then((lastWords) => {
    if (isStopping) return;
    process.stderr.write(`${name} has crashed. Its last words:\n${lastWords}\n`);
    void stopAll(1);
  });
  return part;
};

const databaseUrl = async (): Promise<string> => {
  const given = env['DATABASE_URL'];
  if (given !== undefined && given !== '') return given;
  const devPort = Number(env['DEV_POSTGRES_PORT'] ?? 54_329);
  say('starting PostgreSQL');
  const postgres = keep('PostgreSQL', await startPostgres({ dataDir: join(dataDir, 'postgres'), port: devPort, say }));
  say(`PostgreSQL is up at ${postgres.url}`);
  return postgres.url;
};

const kafkaBrokers = async (): Promise<string | undefined> => {
  const given = env['KAFKA_BROKERS'];
  if (given !== undefined && given !== '') return given;
  const reason = whyNoKafka();
  if (reason !== undefined) {
    say(
      `no Kafka: ${reason}. Events are kept in the log (table customer_events). Install Java 17 and Maven, or set KAFKA_BROKERS`,
    );
    return undefined;
  }
  const devPort = Number(env['DEV_KAFKA_PORT'] ?? 9_092);
  say('starting Kafka');
  const folders = { dataDir: join(dataDir, 'kafka/broker'), libDir: join(dataDir, 'kafka/lib') };
  const kafka = keep('Kafka', await startKafka({ ...folders, port: devPort, say }));
  say(`Kafka is up at ${kafka.brokers}`);
  return kafka.brokers;
};

/** Made once and kept, so that tokens stay good between starts. */
const tokenSecret = (): string => {
  const file = join(dataDir, 'token-secret');
  if (!existsSync(file)) {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 });
  }
  return readFileSync(file, 'utf8');
};

/** In a process group of its own: Ctrl-C in a terminal must reach this process alone, so that the order holds. */
const startService = (settings: Record<string, string>): BackEnd => {
  const child = spawn(process.execPath, [join(__dirname, '../dist/bin/serve.js')], {
    env: { ...env, ...settings },
    detached: true,
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let lastWords = '';
  child.stderr.on('data', (chunk: Buffer) => {
    process.stderr.write(chunk);
    lastWords = (lastWords + chunk.toString()).slice(-2_000);
  });
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    crashed: exit.then(() => lastWords),
    stop: async () => {
      child.kill('SIGTERM');
      await exit;
    },
  };
};

const awaitReady = async (): Promise<void> => {
  if (httpPort === 'off' || httpPort === '0') return;
  for (let tries = 0; tries < 300; tries += 1) {
    const isReady = await fetch(`http://127.0.0.1:${httpPort}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    await delay(100);
  }
};

const main = async (): Promise<void> => {
  if (port !== 0) await claimPort(port, 'the service', 'PORT');
  const settle = await Promise.allSettled([databaseUrl(), kafkaBrokers()]);
  const failed = settle.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  const [url, brokers] = settle.map((one) => (one.status === 'fulfilled' ? one.value : undefined));
  for (const name of await migrate(url ?? '')) say(`migrated ${name}`);
  const kafka: Record<string, string> =
    brokers === undefined ? {} : { KAFKA_BROKERS: brokers, KAFKA_CREATE_TOPICS: env['KAFKA_CREATE_TOPICS'] ?? 'true' };
  keep('the service', startService({ TOKEN_SECRET: tokenSecret(), ...env, DATABASE_URL: url ?? '', ...kafka }));
  await awaitReady();
  say(`serving gRPC on 127.0.0.1:${port}. Try:

  grpcurl -plaintext -d '{"email":"anna@example.com","first_name":"Anna"}' 127.0.0.1:${port} customer.v1.CustomerService/CreateCustomer
${brokers === undefined ? '' : '\nand see its event in another terminal:\n\n  npm run events -- --from-beginning\n'}`);
};

process.on('SIGINT', () => void stopAll(0));
process.on('SIGTERM', () => void stopAll(0));
main().catch((error: unknown) => {
  process.stderr.write(`could not start: ${error instanceof Error ? error.message : String(error)}\n`);
  void stopAll(1);
});
