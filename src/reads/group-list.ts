import type { Call } from '../context';
import { GROUP_COLUMNS, type GroupRow } from '../models/customer-group';
import type { Cursor } from '../security/page-tokens';
import { cursorAfter, type CursorAfter } from './cursor-after';
import { containing, every, run, sql, concat, type Sql } from './sql';
import type { Snapshots } from './snapshot';

export type GroupQuery = {
  /** Folded text within the name; empty: any. */
  readonly q: string;
  readonly ids: readonly string[];
  /** Groups of this customer, if it is alive; empty: any. */
  readonly customer_id: string;
  readonly page_size: number;
  readonly include_total_size: boolean;
};

export type GroupPage = {
  readonly groups: readonly GroupRow[];
  readonly cursorAfter: CursorAfter;
  readonly total_size: number | undefined;
};

export type GroupList = {
  /** A page by name and, when asked for, how many match in all: both as of one moment. */
  readonly listGroups: (
    query: GroupQuery,
    cursor: Cursor | undefined,
    call: Pick<Call, 'deadline' | 'signal'>,
  ) => Promise<GroupPage>;
};

const conditionsOf = ({ q, ids, customer_id }: GroupQuery): Sql[] => [
  ...(q === '' ? [] : [sql('name_folded like ?', containing(q))]),
  ...(ids.length === 0 ? [] : [sql('id = any(?)', ids)]),
  ...(customer_id === ''
    ? []
    : [
        sql(
          `id in (select member.group_id
                    from customer_group_members member join customers on customers.id = member.customer_id
                   where member.customer_id = ? and customers.deleted_at is null)`,
          customer_id,
        ),
      ]),
];

export const createGroupList = ({ inSnapshot }: Snapshots): GroupList => ({
  listGroups: (query, cursor, call) =>
    inSnapshot(call, async (trx) => {
      const matching = conditionsOf(query);
      const ahead = cursor === undefined ? [] : [sql('name > ?', cursor.key)];
      const found = await run<GroupRow>(
        trx,
        concat(
          sql(`select ${GROUP_COLUMNS.join(', ')} from customer_groups where`),
          every([...matching, ...ahead]),
          sql('order by name limit ?', query.page_size + 1),
        ),
      );
      const count = concat(sql('select count(*)::int as total from customer_groups where'), every(matching));
      const [counted] = query.include_total_size ? await run<{ total: number }>(trx, count) : [];
      const groups = found.slice(0, query.page_size);
      return {
        groups,
        cursorAfter: cursorAfter(found, ({ name, id }) => ({ key: name, id })),
        total_size: counted?.total,
      };
    }),
});
