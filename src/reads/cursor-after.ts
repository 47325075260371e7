import type { Cursor } from '../security/page-tokens';

/** Where a page begins that follows the row at a place in this one; undefined after the last of all. */
export type CursorAfter = (place: number) => Cursor | undefined;

/** Of the rows of a page, and one more when there is one. */
export const cursorAfter =
  <Row>(found: readonly Row[], cursorOf: (row: Row) => Cursor): CursorAfter =>
  (place) => {
    const row = found[place];
    return row === undefined || place + 1 >= found.length ? undefined : cursorOf(row);
  };
