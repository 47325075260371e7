import { z } from 'zod';

const LIMITS = { page: 1_000, defaultPage: 50, skip: 100_000, token: 4_096 } as const;

/** 0: 50; more than 1,000: 1,000. */
export const pageSize = () =>
  z
    .number()
    .min(0, 'must not be negative')
    .transform((size) => (size === 0 ? LIMITS.defaultPage : Math.min(size, LIMITS.page)));

/** Of the page before, or nothing. */
export const pageToken = () => z.string().max(LIMITS.token, `must have at most ${LIMITS.token} characters`);

/** How many rows to pass over. */
export const skip = () => z.number().min(0, 'must not be negative').max(LIMITS.skip, `must be at most ${LIMITS.skip}`);

const ORDER_COLUMNS = ['created_at', 'updated_at', 'email', 'first_name', 'last_name'] as const;

export type Direction = 'asc' | 'desc';

/** In which order customers are listed: ties are broken by id in the same direction. */
export type Order = { readonly by: (typeof ORDER_COLUMNS)[number]; readonly direction: Direction };

/** `created_at desc` when empty; ascending when no direction is said. */
export const orderBy = () =>
  z.string().transform((raw, ctx): Order => {
    const [column = '', direction = 'asc', ...rest] = raw.trim().split(/ +/);
    if (column === '') return { by: 'created_at', direction: 'desc' };
    const by = ORDER_COLUMNS.find((one) => one === column);
    if (by !== undefined && (direction === 'asc' || direction === 'desc') && rest.length === 0)
      return { by, direction };
    ctx.addIssue({
      code: 'custom',
      message: `must be one of ${ORDER_COLUMNS.join(', ')}, then nothing, " asc" or " desc"`,
    });
    return z.NEVER;
  });
