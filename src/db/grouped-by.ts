/** The rows of each key, in the order in which they were read. */
export const groupedBy = <Row>(rows: readonly Row[], keyOf: (row: Row) => string | null): ((key: string) => Row[]) => {
  const groups = new Map<string | null, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return (key) => groups.get(key) ?? [];
};
