import { raw } from 'objection';
import { createKnex } from '../../src/db/knex';
import { asDomainError, isConflict, isConnectionLoss, sqlState } from '../../src/db/refusals';
import { CustomerModel } from '../../src/models/customer';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let knex: ReturnType<typeof createKnex>;

/** What Objection makes of a statement that the server refuses with a SQLSTATE. */
const refusedWith = async (code: string): Promise<unknown> => {
  const body = `begin raise exception 'refused' using errcode = '${code}'; end`;
  await knex.raw(
    `create or replace function pg_temp.refuse() returns int language plpgsql as '${body.replaceAll("'", "''")}'`,
  );
  return CustomerModel.query(knex)
    .select(raw('pg_temp.refuse()'))
    .from(raw('(select 1) one'))
    .then(
      () => undefined,
      (error: unknown) => error,
    );
};

describe('what the database refuses', () => {
  beforeAll(async () => {
    database = await createTestDatabase();
    knex = createKnex({ url: database.url, poolSize: 1, statementNames: true });
  });
  afterAll(async () => {
    await knex.destroy();
    await database.drop();
  });

  it.each([
    ['40001', 'TRANSACTION_CONFLICT'],
    ['40P01', 'TRANSACTION_CONFLICT'],
    ['55P03', 'TRANSACTION_CONFLICT'],
    ['57014', 'DEADLINE_EXCEEDED'],
    ['57P03', 'DATABASE_UNAVAILABLE'],
    ['25P03', 'DATABASE_UNAVAILABLE'],
    ['42P01', 'DATABASE_UNAVAILABLE'],
  ])('is known by its SQLSTATE %s through Objection too', async (code, reason) => {
    const error = await refusedWith(code);
    expect(sqlState(error)).toBe(code);
    expect(asDomainError(error)?.reason).toBe(reason);
    expect(isConflict(error)).toBe(reason === 'TRANSACTION_CONFLICT');
    expect(isConnectionLoss(error)).toBe(false);
  });

  it('is UNAVAILABLE when it is the connection itself', async () => {
    const lost = await CustomerModel.query(knex)
      .select(raw('pg_terminate_backend(pg_backend_pid())'))
      .from(raw('(select 1) one'))
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(asDomainError(lost)?.reason).toBe('DATABASE_UNAVAILABLE');
  });
});
