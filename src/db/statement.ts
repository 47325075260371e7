import type { Knex } from 'knex';

/**
 * Runs one statement under a name, so that the server parses it once a connection. The text must be the same wherever
 * the name is; `?` stands for a binding.
 */
export const statement = async <Row = never>(
  knex: Knex,
  name: string,
  sql: string,
  bindings: readonly unknown[] = [],
): Promise<{ readonly rows: Row[]; readonly rowCount: number }> =>
  knex.raw<{ rows: Row[]; rowCount: number }>(sql, bindings as Knex.RawBinding[]).options({ name });
