import knexFactory from 'knex';
import type { Model, QueryBuilder } from 'objection';

export type Query = QueryBuilder<Model>;

/** Knows PostgreSQL's dialect and no database. */
const dialect = knexFactory({ client: 'pg' });

/**
 * What a model's query says in SQL, with `?` for values that come later. Written once, when the program starts: building
 * it for every call costs more than to run it.
 */
export const sqlOf = (model: typeof Model, build: (query: Query) => Query): string =>
  build(model.query(dialect)).toKnexQuery().toSQL().sql;

/** For a condition on a list of values: `any(?)` is one text for any number of them. */
export const anyOf = (column: string): [sql: string, values: never[][]] => [`${column} = any(?)`, [[]]];
