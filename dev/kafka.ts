import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { claimPort, freePort, howItEnded, run, stopLeftOver, terminate, type BackEnd } from './run';

export type LocalKafka = BackEnd & { readonly brokers: string; readonly pid: number };

/** A listener of the broker. */
export type Door = {
  readonly name: string;
  readonly protocol: 'PLAINTEXT' | 'SASL_SSL';
  readonly port: number;
  /** What clients are told to connect to, such as a proxy; `port` by default. */
  readonly advertisedPort?: number;
  /** Lines of `server.properties` that concern this door. */
  readonly settings?: readonly string[];
};

type Options = {
  readonly dataDir: string;
  /** Where the jars are kept, so that they are fetched once. */
  readonly libDir: string;
  readonly port: number;
  /** Further doors, beside the plain one. */
  readonly doors?: readonly Door[];
  /** More arguments for the tool that formats the storage, once. */
  readonly formatArguments?: readonly string[];
  readonly say: (line: string) => void;
  /** Gives up starting. */
  readonly signal?: AbortSignal;
};

/** Why Kafka cannot run here; undefined when it can. */
export const whyNoKafka = (): string | undefined => {
  const { stderr, error } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const version = /version "(\d+)/.exec(error === undefined ? stderr : '')?.[1];
  if (version === undefined) return 'there is no java (17 or newer) on the PATH';
  if (Number(version) < 17) return `java is version ${version}, Kafka needs 17 or newer`;
  return spawnSync('mvn', ['-v']).error === undefined ? undefined : 'there is no mvn (Maven) on the PATH';
};

/** Fetches the jars that the pom names, once, and answers their folder. */
const fetchJars = async (libDir: string, say: Options['say'], signal: AbortSignal | undefined): Promise<string> => {
  const pom = join(__dirname, 'kafka', 'pom.xml');
  const folder = join(libDir, createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 8));
  if (existsSync(folder)) return folder;
  say('fetching Apache Kafka from Maven Central (43 MB, once)');
  // Into a folder beside, then renamed: two that fetch at once do not break each other.
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${partial}`];
  await run('mvn', ['-q', '-B', '-f', pom, ...goal], { signal });
  try {
    renameSync(partial, folder);
  } catch {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
};

const listener = (name: string, port: number): string => `${name}://127.0.0.1:${port}`;

const properties = (doors: readonly Door[], controllerPort: number, logDir: string): string =>
  [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}`,
    `listeners=${[...doors.map(({ name, port }) => listener(name, port)), listener('CONTROLLER', controllerPort)].join(',')}`,
    `advertised.listeners=${doors.map(({ name, port, advertisedPort = port }) => listener(name, advertisedPort)).join(',')}`,
    'controller.listener.names=CONTROLLER',
    `listener.security.protocol.map=CONTROLLER:PLAINTEXT,${doors.map(({ name, protocol }) => `${name}:${protocol}`).join(',')}`,
    `log.dirs=${logDir}`,
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'transaction.state.log.num.partitions=1',
    'share.coordinator.state.topic.replication.factor=1',
    'share.coordinator.state.topic.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    'auto.create.topics.enable=false',
    // After kill -9 a broker waits until the session of its former self has ended.
    'broker.session.timeout.ms=6000',
    'broker.heartbeat.interval.ms=500',
    ...doors.flatMap(({ settings = [] }) => settings),
  ].join('\n');

/** Ready means that a client gets an answer, not that the port is open. */
const awaitBroker = async (brokers: string, hasEnded: () => boolean): Promise<void> => {
  const quiet = { logLevel: logLevel.NOTHING, retry: { retries: 0 }, connectionTimeout: 1_000 };
  for (let tries = 0; tries < 600 && !hasEnded(); tries += 1) {
    const admin = new Kafka({ brokers: [brokers], ...quiet }).admin();
    try {
      await admin.connect();
      const { controller } = await admin.describeCluster();
      if (controller !== null) return;
    } catch {
      // Not yet.
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
    await delay(100);
  }
  throw new Error('Kafka did not start');
};

const JAVA_FLAGS = [
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Xshare:auto',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
];

/** Real Apache Kafka (KRaft, one node) out of Maven Central. Starts again after anything. */
export const startKafka = async (options: Options): Promise<LocalKafka> => {
  const { dataDir: wanted, libDir, port, doors = [], formatArguments = [], say, signal } = options;
  const dataDir = resolve(wanted);
  const pidFile = join(dataDir, 'kafka.pid');
  const logFile = join(dataDir, 'server.log');
  const configFile = join(dataDir, 'server.properties');
  const logDir = join(dataDir, 'logs');
  mkdirSync(dataDir, { recursive: true });
  const jars = await fetchJars(resolve(libDir), say, signal);
  await stopLeftOver(pidFile, 'kafka.Kafka');
  await claimPort(port, 'Kafka', 'DEV_KAFKA_PORT');
  const plain: Door = { name: 'PLAINTEXT', protocol: 'PLAINTEXT', port };
  writeFileSync(configFile, properties([plain, ...doors], await freePort(), logDir));
  const classpath = ['-cp', join(jars, '*')];
  if (!existsSync(join(logDir, 'meta.properties'))) {
    const id = randomBytes(16).toString('base64url');
    const format = ['kafka.tools.StorageTool', 'format', '--standalone', `--cluster-id=${id}`, '-c', configFile];
    await run('java', [...JAVA_FLAGS, ...classpath, ...format, ...formatArguments], { signal });
  }
  const log = openSync(logFile, 'w');
  const child = spawn('java', [...JAVA_FLAGS, ...classpath, 'kafka.Kafka', configFile], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  child.unref();
  const { pid } = child;
  if (pid === undefined) throw new Error('java cannot be started');
  writeFileSync(pidFile, String(pid));
  let isStopped = false;
  let hasEnded = false;
  const lastWords = () => readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n');
  const crashed = new Promise<string>((resolveCrashed) => {
    child.once('exit', (code, killedBy) => {
      hasEnded = true;
      if (!isStopped) resolveCrashed(`${lastWords()}\n(ended ${howItEnded(code, killedBy)})`);
    });
  });
  const brokers = `127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    isStopped = true;
    await terminate(pid);
    rmSync(pidFile, { force: true });
  };
  try {
    await awaitBroker(brokers, () => hasEnded || signal?.aborted === true);
  } catch (error) {
    await stop();
    throw new Error(`Kafka did not start:\n${lastWords()}`, { cause: error });
  }
  return { brokers, pid, crashed, stop };
};
