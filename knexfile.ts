import type { Knex } from 'knex';

/**
 * For the knex command line and consoles of engineers. Our migrations are plain SQL and run by `npm run migrate`, never
 * by `knex migrate`.
 */
const config: Knex.Config = {
  client: 'pg',
  connection: process.env['DATABASE_URL'] ?? 'postgres://127.0.0.1:54329/customer',
  pool: { min: 0, max: 2 },
};

export default config;
