import { readConfig } from '../config';
import { migrate } from '../db/migrate';
import { messageOf } from '../errors';

const main = async (): Promise<void> => {
  const { database } = readConfig({ NODE_ENV: undefined, DATABASE_URL: process.env['DATABASE_URL'] });
  const applied = await migrate(database.url);
  process.stdout.write(
    applied.length === 0 ? 'nothing to migrate\n' : applied.map((name) => `applied ${name}\n`).join(''),
  );
};

main().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
});
