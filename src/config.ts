import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';

/** Everything that can be set from outside, read once at start. All of it comes from the environment, see README.md. */
export type Config = {
  readonly production: boolean;
  readonly database: { readonly url: string; readonly poolSize: number; readonly statementNames: boolean };
  readonly host: string;
  readonly port: number;
  readonly httpPort: number | 'off';
  /** Absent: no Kafka; events stay in the log. */
  readonly kafka: KafkaConfig | undefined;
  readonly relay: boolean;
  readonly eventSource: string;
  readonly eventRetentionDays: number;
  readonly idempotencyRetentionHours: number;
  /** The first signs, all verify; at least 32 bytes each. */
  readonly tokenSecrets: readonly [string, ...string[]];
  readonly bcryptCost: number;
  readonly passwordMinLength: number;
  readonly loginMaxFailures: number;
  readonly loginLockSeconds: number;
  readonly tls:
    { readonly certFile: string; readonly keyFile: string; readonly clientCaFile: string | undefined } | undefined;
  readonly shutdownDelayMs: number;
  readonly shutdownGraceMs: number;
  readonly logLevel: string;
};

export type KafkaConfig = {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl: boolean;
  readonly sasl:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
        readonly username: string;
        readonly password: string;
      }
    | undefined;
  readonly topicPrefix: string;
  readonly createTopics: boolean;
  readonly partitions: number;
};

/** The environment cannot be used as it is: every fault, each naming its variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly faults: readonly string[]) {
    super(`The configuration has faults:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
}

type Env = Readonly<Record<string, string | undefined>>;

/** Reads variables one by one and keeps what is wrong with them for the end. An empty variable is not set. */
const createReader = (env: Env) => {
  const faults: string[] = [];
  const fault = (text: string): void => {
    faults.push(text);
  };
  const text = (name: string): string | undefined =>
    env[name] === undefined || env[name] === '' ? undefined : env[name];
  const integer = (name: string, fallback: number, min: number, max: number): number => {
    const given = text(name);
    if (given === undefined) return fallback;
    const value = /^\d{1,15}$/.test(given) ? Number(given) : NaN;
    if (value >= min && value <= max) return value;
    fault(`${name} must be a whole number from ${min} to ${max}`);
    return fallback;
  };
  const choice = <Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice => {
    const given = text(name) ?? fallback;
    const chosen = choices.find((one) => one === given);
    if (chosen === undefined) fault(`${name} must be one of ${choices.join(', ')}`);
    return chosen ?? fallback;
  };
  const file = (name: string): string | undefined => {
    const path = text(name);
    if (path !== undefined && !existsSync(path)) fault(`${name} names a file that is not there: ${path}`);
    return path;
  };
  return { faults, fault, text, integer, choice, file };
};

type Reader = ReturnType<typeof createReader>;

const MIN_SECRET_BYTES = 32;

const readSecrets = ({ text, fault }: Reader, production: boolean): [string, ...string[]] => {
  const [first, ...others] = (text('TOKEN_SECRET') ?? '').split(',').filter((secret) => secret !== '');
  if (first === undefined) {
    if (production) fault('TOKEN_SECRET is required');
    return [randomBytes(MIN_SECRET_BYTES).toString('hex')];
  }
  if ([first, ...others].some((secret) => Buffer.byteLength(secret) < MIN_SECRET_BYTES)) {
    fault(`TOKEN_SECRET must have at least ${MIN_SECRET_BYTES} bytes, each one of several`);
  }
  return [first, ...others];
};

const readSasl = ({ text, choice, fault }: Reader): KafkaConfig['sasl'] => {
  const username = text('KAFKA_SASL_USERNAME');
  const password = text('KAFKA_SASL_PASSWORD');
  if (text('KAFKA_SASL_MECHANISM') === undefined) {
    if (username !== undefined || password !== undefined) {
      fault('KAFKA_SASL_MECHANISM is required with KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD');
    }
    return undefined;
  }
  const mechanism = choice('KAFKA_SASL_MECHANISM', ['plain', 'scram-sha-256', 'scram-sha-512'], 'plain');
  if (username === undefined || password === undefined) {
    fault('KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are required with KAFKA_SASL_MECHANISM');
    return undefined;
  }
  return { mechanism, username, password };
};

const readKafka = (reader: Reader, production: boolean): KafkaConfig | undefined => {
  const { text, choice, integer } = reader;
  const brokers = (text('KAFKA_BROKERS') ?? '')
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '');
  const kafka: KafkaConfig = {
    brokers,
    clientId: text('KAFKA_CLIENT_ID') ?? 'customer-service',
    ssl: choice('KAFKA_SSL', ['true', 'false'], 'false') === 'true',
    sasl: readSasl(reader),
    topicPrefix: text('KAFKA_TOPIC_PREFIX') ?? '',
    createTopics: choice('KAFKA_CREATE_TOPICS', ['true', 'false'], production ? 'false' : 'true') === 'true',
    partitions: integer('KAFKA_PARTITIONS', 6, 1, 10_000),
  };
  return brokers.length === 0 ? undefined : kafka;
};

const readTls = ({ file, fault }: Reader): Config['tls'] => {
  const [certFile, keyFile, clientCaFile] = [file('TLS_CERT_FILE'), file('TLS_KEY_FILE'), file('TLS_CLIENT_CA_FILE')];
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile, clientCaFile };
  if (certFile !== undefined || keyFile !== undefined || clientCaFile !== undefined) {
    fault('TLS_CERT_FILE and TLS_KEY_FILE are required for TLS');
  }
  return undefined;
};

const readPort = ({ text, integer }: Reader): number | 'off' =>
  text('HTTP_PORT') === 'off' ? 'off' : integer('HTTP_PORT', 9464, 0, 65_535);

/** Variables of the contract that this build cannot honour: better not to start than to pass over them. */
const NOT_BUILT = ['AUTH_POLICY_FILE', 'AUTH_JWT_KEYS_FILE', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const;

/** The whole configuration. Throws ConfigError with all faults at once. */
export const readConfig = (env: Env): Config => {
  const reader = createReader(env);
  const { text, integer, choice, fault, faults } = reader;
  const production = text('NODE_ENV') === 'production';
  for (const name of NOT_BUILT) if (text(name) !== undefined) fault(`${name} is not supported by this build`);
  const url = text('DATABASE_URL') ?? '';
  if (!/^postgres(ql)?:\/\//.test(url)) fault('DATABASE_URL is required, as postgres://user:password@host:port/name');
  const config: Config = {
    production,
    database: {
      url,
      poolSize: integer('DATABASE_POOL_SIZE', 10, 6, 1_000),
      statementNames: choice('DATABASE_STATEMENT_NAMES', ['on', 'off'], 'on') === 'on',
    },
    host: text('HOST') ?? '127.0.0.1',
    port: integer('PORT', 50_051, 0, 65_535),
    httpPort: readPort(reader),
    kafka: readKafka(reader, production),
    relay: choice('RELAY', ['on', 'off'], 'on') === 'on',
    eventSource: text('EVENT_SOURCE') ?? 'customer-service',
    eventRetentionDays: integer('EVENT_RETENTION_DAYS', 0, 0, 36_500),
    idempotencyRetentionHours: integer('IDEMPOTENCY_RETENTION_HOURS', 24, 1, 8_760),
    tokenSecrets: readSecrets(reader, production),
    bcryptCost: integer('BCRYPT_COST', 12, production ? 10 : 4, 16),
    passwordMinLength: integer('PASSWORD_MIN_LENGTH', 8, 1, 72),
    loginMaxFailures: integer('LOGIN_MAX_FAILURES', 10, 1, 1_000_000),
    loginLockSeconds: integer('LOGIN_LOCK_SECONDS', 60, 1, 3_600),
    tls: readTls(reader),
    shutdownDelayMs: integer('SHUTDOWN_DELAY_MS', 0, 0, 600_000),
    shutdownGraceMs: integer('SHUTDOWN_GRACE_MS', 10_000, 0, 3_600_000),
    logLevel: choice('LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'info'),
  };
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
};
