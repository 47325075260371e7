import type { TestDatabase } from './database';

type Node = {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly Node[];
};

const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

/** The column that each index begins with. */
const FIRST_COLUMNS = `select indexrelid::regclass::text as index, attname::text as column
  from pg_index join pg_attribute on attrelid = indrelid and attnum = indkey[0]`;

/** What a statement, planned once for all values, reads otherwise than from the beginning of an index. */
export const scansAstray = async (database: TestDatabase, text: string): Promise<string[]> => {
  await database.query('set enable_seqscan = off');
  const columns = await database.query<{ index: string; column: string }>(FIRST_COLUMNS);
  const [row] = await database.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(`explain (generic_plan, format json) ${text}`);
  return nodesOf(row!['QUERY PLAN'][0].Plan).flatMap((node) => {
    if (!/^(Seq|Index|Index Only|Bitmap Index) Scan$/.test(node['Node Type'])) return [];
    const { 'Index Name': name, 'Index Cond': condition = 'nothing' } = node;
    const column = columns.find(({ index }) => index === name)?.column ?? 'no index';
    return condition.includes(column) ? [] : [`${node['Node Type']} by ${column} where ${condition}`];
  });
};
