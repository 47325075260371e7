import { HELD, LOCK } from '../../src/changes/lock';
import { LOOK_UP, READ_ADDRESSES, READ_MEMBERS } from '../../src/changes/look-up';
import * as tables from '../../src/changes/tables';
import type { Statement } from '../../src/db/pipeline';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { scansAstray } from '../support/plans';

let database: TestDatabase;
beforeAll(async () => (database = await createTestDatabase()));
afterAll(() => database.drop());

const STATEMENTS: readonly Statement[] = [
  ...Object.values(LOCK).flatMap(({ wait, skip }) => [wait, skip]),
  ...Object.values(HELD),
  LOOK_UP,
  READ_ADDRESSES,
  READ_MEMBERS,
  tables.CUSTOMERS.update,
  tables.ADDRESSES.update,
  tables.GROUPS.update,
  tables.DELETE_MEMBERS,
  tables.FREE_FINGERPRINTS,
  ...Object.values(tables.DELETE),
];

describe('what the engine sends', () => {
  it.each(STATEMENTS.map((statement) => [statement.name, statement.text]))(
    '%s looks up by index in a plan that is made while every table is empty and then kept',
    async (_, text) => {
      expect(await scansAstray(database, text)).toEqual([]);
    },
  );
});
