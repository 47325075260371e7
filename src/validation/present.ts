import { z } from 'zod';

/** A message that must be there; absent it is one fault, not one of zod's. */
export const present = <Schema extends z.ZodType>(schema: Schema) =>
  z.custom<z.input<Schema> | undefined>().transform((value, ctx): z.output<Schema> => {
    if (value === undefined) {
      ctx.addIssue({ code: 'custom', message: 'is required' });
      return z.NEVER;
    }
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) ctx.addIssue({ code: 'custom', path: issue.path, message: issue.message });
    return z.NEVER;
  });
