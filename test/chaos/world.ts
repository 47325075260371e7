import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'pg';
import { startKafka, type LocalKafka } from '../../dev/kafka';
import { startPostgres, type Postgres } from '../../dev/postgres';
import { freePort, isAlive } from '../../dev/run';
import { migrate } from '../../src/db/migrate';
import { createChild, type Child } from './child';
import { startProxy, type Proxy } from '../support/proxy';

/** A back end that can be killed, all its processes at once, and started again on the same data. */
type Mortal = { readonly kill: () => Promise<void>; readonly restart: () => Promise<void> };

/** How long a sink was without its leader, who was killed while others stood by. */
export type TakeOver = {
  readonly sink: string;
  readonly leadsAfterMs: number;
  /** Its cursor has moved. */
  readonly publishesAfterMs: number;
};

/** Two services and a relay of their own on one database and one Kafka, and a proxy on every way between them. */
export type World = {
  readonly services: readonly Child[];
  readonly relay: Child;
  readonly postgres: Mortal;
  readonly kafka: Mortal & { readonly brokers: string };
  readonly ways: {
    readonly database: Proxy;
    readonly kafka: Proxy;
    /** In the order of `services`. */
    readonly clients: readonly Proxy[];
  };
  /** Straight to the database, past the proxy. */
  readonly database: Pool;
  /** When a service was told to stop, and when it had. */
  readonly terminations: { readonly name: string; readonly from: number; readonly to: number }[];
  readonly takeOvers: TakeOver[];
  /** What must never happen and was seen while things ran. */
  readonly problems: string[];
  /** Ends every process, and throws when one is left. */
  readonly destroy: () => Promise<void>;
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const childrenOf = (pid: number): number[] =>
  spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
    .stdout.split('\n')
    .map(Number)
    .filter((child) => child > 0);

/** Kills a process and its children, and waits until they are gone. */
const killAll = async (pid: number): Promise<void> => {
  const all = [pid, ...childrenOf(pid)];
  for (const one of all) if (isAlive(one)) process.kill(one, 'SIGKILL');
  while (all.some(isAlive)) await delay(20);
};

/** Direct connections of the test, which outlive every restart of the server. */
const directPool = (url: string): Pool => {
  const pool = new Pool({ connectionString: url, max: 4 });
  const ignore = (): void => undefined;
  pool.on('error', ignore);
  pool.on('connect', (client) => client.on('error', ignore));
  return pool;
};

export const createWorld = async (): Promise<World> => {
  const dir = mkdtempSync(join(tmpdir(), 'customer-service-chaos-'));
  chmodSync(dir, 0o755);
  const problems: string[] = [];
  const stops: (() => Promise<unknown>)[] = [];
  const pids = new Set<number>();
  const destroy = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop();
    for (let tries = 0; tries < 100 && [...pids].some(isAlive); tries += 1) await delay(50);
    const left = [...pids].filter(isAlive);
    rmSync(dir, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`processes are left: ${left.join(', ')}`);
  };
  const seen = (pid: number | undefined): void => {
    if (pid !== undefined) for (const one of [pid, ...childrenOf(pid)]) pids.add(one);
  };

  try {
    const [postgresPort, kafkaPort, proxiedPort] = [await freePort(), await freePort(), await freePort()];
    const ways = { database: await startProxy(postgresPort), kafka: await startProxy(proxiedPort) };
    stops.push(ways.database.close, ways.kafka.close);

    const bootPostgres = () => startPostgres({ dataDir: join(dir, 'postgres'), port: postgresPort, say });
    const bootKafka = () =>
      startKafka({
        dataDir: join(dir, 'kafka'),
        libDir: resolve('.data/kafka/lib'),
        port: kafkaPort,
        doors: [{ name: 'PROXIED', protocol: 'PLAINTEXT', port: proxiedPort, advertisedPort: ways.kafka.port }],
        say,
      });
    let postgres: Postgres = await bootPostgres();
    stops.push(() => postgres.stop());
    let kafka: LocalKafka = await bootKafka();
    stops.push(() => kafka.stop());
    seen(postgres.pid);
    seen(kafka.pid);
    await migrate(postgres.url);
    say('PostgreSQL and Kafka are there');
    const database = directPool(postgres.url);
    stops.push(() => database.end());

    const env = {
      DATABASE_URL: postgres.url.replace(`:${postgresPort}/`, `:${ways.database.port}/`),
      KAFKA_BROKERS: `127.0.0.1:${ways.kafka.port}`,
      KAFKA_PARTITIONS: '3',
      BCRYPT_COST: '4',
      TOKEN_SECRET: 'a secret for tests that is long enough',
      HTTP_PORT: 'off',
    };
    const onCrash = (problem: string): void => void problems.push(problem);
    const child = (name: string, script: string, more: Readonly<Record<string, string>>, readyWhen: RegExp): Child => {
      const made = createChild({
        name,
        script: resolve(script),
        env: { ...env, ...more },
        logFile: join(dir, `${name}.log`),
        readyWhen,
        onCrash,
      });
      const start = async (): Promise<void> => {
        await made.start();
        seen(made.pid());
      };
      stops.push(() => made.end('SIGKILL'));
      return { ...made, start };
    };
    const ports = [await freePort(), await freePort()];
    const services = ports.map((port, index) =>
      child(`service-${index + 1}`, 'dist/bin/serve.js', { PORT: String(port) }, /^serving on /),
    );
    const relay = child('relay', 'dist/bin/relay.js', {}, /^relaying$/);
    const clients = await Promise.all(ports.map((port) => startProxy(port)));
    stops.push(...clients.map((proxy) => proxy.close));
    await Promise.all([...services, relay].map((one) => one.start()));

    return {
      services,
      relay,
      database,
      problems,
      terminations: [],
      takeOvers: [],
      destroy,
      ways: { ...ways, clients },
      postgres: {
        kill: () => killAll(postgres.pid),
        restart: async () => {
          postgres = await bootPostgres();
          seen(postgres.pid);
        },
      },
      kafka: {
        brokers: kafka.brokers,
        kill: () => killAll(kafka.pid),
        restart: async () => {
          kafka = await bootKafka();
          seen(kafka.pid);
        },
      },
    };
  } catch (error) {
    await destroy();
    throw error;
  }
};
