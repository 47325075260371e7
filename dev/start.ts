import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { migrate } from '../src/db/migrate';
import { startKafka, whyNoKafka } from './kafka';
import { startPostgres } from './postgres';
import { claimPort, freePort, howItEnded, run, stopLeftOver, type BackEnd } from './run';

const { env } = process;
const setTo = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
const dataDir = setTo('DATA_DIR') ?? '.data';
const httpPort = setTo('HTTP_PORT') ?? '9464';
const startedAt = Date.now();
const say = (line: string): void =>
  void process.stdout.write(`[${((Date.now() - startedAt) / 1000).toFixed(1)} s] ${line}\n`);

/** Parts that run, in the order they were started; they are stopped the other way round. */
const running: { readonly name: string; readonly part: BackEnd }[] = [];
/** Parts that are still starting; aborted when everything is to end, and waited for, so that none is left behind. */
const starting: Promise<unknown>[] = [];
const stopping = new AbortController();
let isStopping = false;

const stopAll = async (code: number): Promise<void> => {
  if (isStopping) return;
  isStopping = true;
  stopping.abort();
  await Promise.allSettled(starting);
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
    process.stderr.write(`${name} has crashed. Its last words:\n${lastWords.trim()}\n`);
    void stopAll(1);
  });
  return part;
};

const databaseUrl = async (): Promise<string> => {
  const given = setTo('DATABASE_URL');
  if (given !== undefined) {
    say('using the PostgreSQL of DATABASE_URL');
    return given;
  }
  const port = Number(setTo('DEV_POSTGRES_PORT') ?? 54_329);
  say('starting PostgreSQL');
  const { signal } = stopping;
  const postgres = keep('PostgreSQL', await startPostgres({ dataDir: join(dataDir, 'postgres'), port, say, signal }));
  say(`PostgreSQL is up at ${postgres.url}`);
  return postgres.url;
};

const kafkaBrokers = async (): Promise<string | undefined> => {
  const given = setTo('KAFKA_BROKERS');
  if (given !== undefined) {
    say(`using the Kafka of KAFKA_BROKERS, ${given}`);
    return given;
  }
  const reason = whyNoKafka();
  if (reason !== undefined) {
    say(
      `no Kafka: ${reason}. Events are kept in the log (table customer_events). Install Java 17 and Maven, or set KAFKA_BROKERS`,
    );
    return undefined;
  }
  const port = Number(setTo('DEV_KAFKA_PORT') ?? 9_092);
  say('starting Kafka');
  const folders = { dataDir: join(dataDir, 'kafka/broker'), libDir: join(dataDir, 'kafka/lib') };
  const kafka = keep('Kafka', await startKafka({ ...folders, port, say, signal: stopping.signal }));
  say(`Kafka is up at ${kafka.brokers}`);
  return kafka.brokers;
};

const build = async (): Promise<void> => {
  say('building the service');
  await run('npm', ['run', '--silent', 'build'], { cwd: join(__dirname, '..'), signal: stopping.signal });
  say('the service is built');
};

/** Made once and kept, so that tokens stay good between starts. */
const tokenSecret = (): string => {
  const file = join(dataDir, 'token-secret');
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
};

const servicePidFile = join(dataDir, 'service.pid');
const serviceScript = join(__dirname, '../dist/bin/serve.js');

/** In a process group of its own: Ctrl-C in a terminal must reach this process alone, so that the order holds. */
const startService = (settings: Record<string, string>): BackEnd => {
  const child = spawn(process.execPath, [serviceScript], {
    env: { ...env, ...settings },
    detached: true,
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  writeFileSync(servicePidFile, String(child.pid));
  let lastWords = '';
  child.stderr.on('data', (chunk: Buffer) => {
    process.stderr.write(chunk);
    lastWords = (lastWords + chunk.toString()).slice(-2_000);
  });
  const exit = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      rmSync(servicePidFile, { force: true });
      resolve(`${lastWords}(ended ${howItEnded(code, signal)})`);
    });
  });
  return {
    crashed: exit,
    stop: async () => {
      child.kill('SIGTERM');
      await exit;
    },
  };
};

const canConnect = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (isOpen: boolean) => () => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', end(true)).once('error', end(false));
  });

/** The service listens only once everything else of it is up. False when it is not to be waited for any more. */
const awaitService = async (port: number): Promise<boolean> => {
  while (!isStopping && !(await canConnect(port))) await delay(50);
  return !isStopping;
};

const claimServicePorts = async (): Promise<number> => {
  const wanted = Number(setTo('PORT') ?? 50_051);
  if (wanted !== 0) await claimPort(wanted, 'the service', 'PORT');
  if (httpPort !== 'off' && httpPort !== '0') await claimPort(Number(httpPort), 'metrics and probes', 'HTTP_PORT');
  return wanted === 0 ? freePort() : wanted;
};

const main = async (): Promise<void> => {
  mkdirSync(dataDir, { recursive: true });
  await stopLeftOver(servicePidFile, serviceScript);
  const port = await claimServicePorts();
  const parts = [databaseUrl(), kafkaBrokers(), build()] as const;
  starting.push(...parts);
  const [url, brokers] = await Promise.all(parts);
  if (isStopping) return;
  for (const name of await migrate(url)) say(`migrated ${name}`);
  const settings = { PORT: String(port), DATABASE_URL: url, TOKEN_SECRET: setTo('TOKEN_SECRET') ?? tokenSecret() };
  const kafka = brokers === undefined ? {} : { KAFKA_BROKERS: brokers };
  keep('the service', startService({ ...settings, ...kafka }));
  if (!(await awaitService(port))) return;
  say(`serving gRPC on 127.0.0.1:${port}. Try:

  grpcurl -plaintext -d '{"email":"anna@example.com","first_name":"Anna"}' 127.0.0.1:${port} customer.v1.CustomerService/CreateCustomer
${brokers === undefined ? '' : '\nand see its event in another terminal:\n\n  npm run events -- --from-beginning\n'}`);
};

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stopAll(0));
main().catch((error: unknown) => {
  if (!isStopping) process.stderr.write(`could not start: ${error instanceof Error ? error.message : String(error)}\n`);
  void stopAll(1);
});
