import type { TestDatabase } from './database';

/** Where a text stands anywhere in a database, `table.column` each; looks through bytes too. Case does not count. */
export const tracesOf = async (database: TestDatabase, needle: string): Promise<string[]> => {
  const columns = await database.query<{ table_name: string; column_name: string; data_type: string }>(
    `select table_name, column_name, data_type from information_schema.columns where table_schema = 'public'`,
  );
  const found: string[] = [];
  for (const { table_name, column_name, data_type } of columns) {
    const text = data_type === 'bytea' ? `encode("${column_name}", 'escape')` : `"${column_name}"::text`;
    const rows = await database.query(
      `select 1 from "${table_name}" where position($1 in lower(${text})) > 0 limit 1`,
      [needle.toLowerCase()],
    );
    if (rows.length > 0) found.push(`${table_name}.${column_name}`);
  }
  return found;
};
