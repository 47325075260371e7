import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dumpSchema } from '../../dev/schema';
import { createTestDatabase } from '../support/database';

it('is in schema.sql as the migrations make it; `npm run schema` writes it anew', async () => {
  const database = await createTestDatabase();
  const written = await readFile(join(__dirname, '../../src/db/schema.sql'), 'utf8');
  expect(written).toBe(await dumpSchema(database.url));
  await database.drop();
});
