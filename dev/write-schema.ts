import { mkdtempSync, rmSync, chmodSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../src/db/migrate';
import { startPostgres } from './postgres';
import { freePort } from './run';
import { dumpSchema } from './schema';

/** Migrates a database made for it, and writes its schema to src/db/schema.sql. */
const main = async (): Promise<void> => {
  const dir = mkdtempSync(join(tmpdir(), 'customer-service-schema-'));
  chmodSync(dir, 0o755);
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const options = { dataDir: join(dir, 'postgres'), port: await freePort(), settings: ['fsync=off'], say };
  const postgres = await startPostgres(options);
  try {
    await migrate(postgres.url);
    const file = join(__dirname, '../src/db/schema.sql');
    writeFileSync(file, await dumpSchema(postgres.url));
    say(`wrote ${file}`);
  } finally {
    await postgres.stop();
    rmSync(dir, { recursive: true, force: true });
  }
};

void main();
