import { readConfig } from '../../src/config';
import { createLogger } from '../../src/logger';
import { startService, type Service } from '../../src/service';
import { connect, type TestClient } from './client';
import { createTestDatabase, type TestDatabase } from './database';
import { kafkaEnv } from './kafka';
import { stopsOnce } from './left-over';

export type TestService = {
  readonly database: TestDatabase;
  readonly service: Service;
  readonly client: TestClient;
  readonly env: Readonly<Record<string, string>>;
  /** What it logged, one JSON line each. */
  readonly logs: readonly string[];
  readonly stop: () => Promise<void>;
};

type Options = {
  readonly env?: Readonly<Record<string, string>>;
  readonly database?: TestDatabase;
  readonly kafka?: boolean;
};

/** A whole service in this process, on a database of its own, with Kafka only when asked for. */
export const startTestService = async (options: Options = {}): Promise<TestService> => {
  const database = options.database ?? (await createTestDatabase());
  const env: Record<string, string> = {
    DATABASE_URL: database.url,
    PORT: '0',
    HTTP_PORT: 'off',
    BCRYPT_COST: '4',
    TOKEN_SECRET: 'a secret for tests that is long enough',
    LOG_LEVEL: 'info',
    ...(options.kafka === true ? kafkaEnv() : {}),
    ...options.env,
  };
  const logs: string[] = [];
  const config = readConfig(env);
  const service = await startService(config, createLogger(config.logLevel, { write: (line) => void logs.push(line) }));
  const client = connect(service.port);
  return {
    database,
    service,
    client,
    env,
    logs,
    stop: stopsOnce(async () => {
      client.close();
      await service.stop();
      if (options.database === undefined) await database.drop();
    }),
  };
};
