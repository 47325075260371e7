import type { Knex } from 'knex';

/** A piece of SQL; each `?` in it stands for the binding at its place. */
export type Sql = { readonly sql: string; readonly bindings: readonly unknown[] };

export const sql = (text: string, ...bindings: readonly unknown[]): Sql => ({ sql: text, bindings });

const join = (parts: readonly Sql[], between: string): Sql => ({
  sql: parts.map((part) => part.sql).join(between),
  bindings: parts.flatMap((part) => part.bindings),
});

/** Pieces one after the other. */
export const concat = (...parts: readonly Sql[]): Sql => join(parts, ' ');

/** True when every condition holds; of none it does. */
export const every = (conditions: readonly Sql[]): Sql =>
  conditions.length === 0 ? sql('true') : join(conditions, ' and ');

/** True when some condition holds; of none no one does. */
export const some = (conditions: readonly Sql[]): Sql => {
  if (conditions.length === 0) return sql('false');
  const { sql: text, bindings } = join(
    conditions.map((one) => concat(sql('('), one, sql(')'))),
    ' or ',
  );
  return { sql: `(${text})`, bindings };
};

/** The rows of every statement. */
export const unionAll = (statements: readonly Sql[]): Sql => join(statements, ' union all ');

/** Runs a statement that was put together; it has no name, because its text is never the same for long. */
export const run = async <Row>(knex: Knex, { sql: text, bindings }: Sql): Promise<Row[]> =>
  (await knex.raw<{ rows: Row[] }>(text, bindings as Knex.RawBinding[])).rows;

/** A text within a pattern of `like`, its wildcards plain characters. */
export const escaped = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

/** The pattern of `like` for a part of a text. */
export const containing = (part: string): string => `%${escaped(part)}%`;
