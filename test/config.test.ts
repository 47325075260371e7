import { ConfigError, readConfig } from '../src/config';

const DATABASE_URL = 'postgres://localhost/customer';
const SECRETS = ['the first secret that is long enough', 'the second secret that is long enough'] as const;

const faultsOf = (env: Readonly<Record<string, string>>): readonly string[] => {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
};

describe('the configuration', () => {
  it('has the defaults that the README names', () => {
    expect(readConfig({ DATABASE_URL, KAFKA_BROKERS: 'kafka:9092' })).toMatchObject({
      database: { url: DATABASE_URL, poolSize: 10, statementNames: true },
      host: '127.0.0.1',
      port: 50_051,
      httpPort: 9_464,
      kafka: { brokers: ['kafka:9092'], topicPrefix: '', createTopics: true, partitions: 6 },
      relay: true,
      eventSource: 'customer-service',
      eventRetentionDays: 0,
      idempotencyRetentionHours: 24,
      bcryptCost: 12,
      passwordMinLength: 8,
      loginMaxFailures: 10,
      loginLockSeconds: 60,
      tls: undefined,
      shutdownDelayMs: 0,
      shutdownGraceMs: 10_000,
      logLevel: 'info',
    });
    expect(readConfig({ DATABASE_URL }).kafka).toBeUndefined();
  });

  it('names every fault at once, and takes an empty variable for none', () => {
    const faults = faultsOf({
      DATABASE_URL: 'mysql://localhost',
      PORT: '65536',
      HTTP_PORT: '',
      RELAY: 'yes',
      TOKEN_SECRET: `${SECRETS[0]},short`,
      BCRYPT_COST: '3',
      PASSWORD_MIN_LENGTH: '73',
      IDEMPOTENCY_RETENTION_HOURS: '0',
      TLS_CERT_FILE: '/nowhere/to/be/found',
      KAFKA_SASL_USERNAME: 'relay',
    });
    expect(faults.map((fault) => /^[A-Z_]+/.exec(fault)?.[0]).sort()).toEqual([
      'BCRYPT_COST',
      'DATABASE_URL',
      'IDEMPOTENCY_RETENTION_HOURS',
      'KAFKA_SASL_MECHANISM',
      'PASSWORD_MIN_LENGTH',
      'PORT',
      'RELAY',
      'TLS_CERT_FILE',
      'TLS_CERT_FILE',
      'TOKEN_SECRET',
    ]);
  });

  it('wants a secret and dear hashes in production, and makes no topics there', () => {
    const production = { DATABASE_URL, NODE_ENV: 'production' };
    expect(faultsOf({ ...production, BCRYPT_COST: '9' })).toEqual([
      'TOKEN_SECRET is required',
      'BCRYPT_COST must be a whole number from 10 to 16',
    ]);
    const config = readConfig({ ...production, TOKEN_SECRET: SECRETS.join(','), KAFKA_BROKERS: 'kafka:9092' });
    expect(config.tokenSecrets).toEqual(SECRETS);
    expect(config.kafka?.createTopics).toBe(false);
  });
});
