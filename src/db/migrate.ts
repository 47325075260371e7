import knexFactory, { type Knex } from 'knex';
import { migrations } from './migrations';

/** Any fixed number: two processes that migrate at once take turns by it. */
const LOCK = 4_711_001;

/**
 * Applies what is missing, all in one transaction, and answers the names it applied. Takes as long as it takes: an index of
 * many customers, the turn of another process, a list that reads the table.
 */
export const migrate = async (url: string): Promise<string[]> => {
  // Without the limits of a call, see createKnex.
  const connection = { connectionString: url, application_name: 'customer-migrate', keepAlive: true };
  const knex = knexFactory({ client: 'pg', connection, pool: { min: 0, max: 1 }, compileSqlOnError: false });
  try {
    return await knex.transaction(async (trx) => {
      await trx.raw('select pg_advisory_xact_lock(?)', [LOCK]);
      await trx.raw(`create table if not exists schema_migrations (
        name       text constraint schema_migrations_pkey primary key,
        applied_at timestamptz not null default now()
      )`);
      const pending = await pendingMigrations(trx);
      for (const name of pending) {
        const migration = migrations.find((candidate) => candidate.name === name);
        if (migration !== undefined) await trx.raw(migration.up);
        await migration?.afterwards?.(trx);
        await trx.raw('insert into schema_migrations (name) values (?)', [name]);
      }
      return pending;
    });
  } finally {
    await knex.destroy();
  }
};

/** Names of the migrations that this build needs and the database does not have. */
export const pendingMigrations = async (knex: Knex): Promise<string[]> => {
  const { rows: tables } = await knex.raw<{ rows: { present: boolean }[] }>(
    `select to_regclass('schema_migrations') is not null as present`,
  );
  if (tables[0]?.present !== true) return migrations.map(({ name }) => name);
  const { rows } = await knex.raw<{ rows: { name: string }[] }>('select name from schema_migrations');
  const applied = new Set(rows.map(({ name }) => name));
  return migrations.map(({ name }) => name).filter((name) => !applied.has(name));
};
