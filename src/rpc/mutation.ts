import type { ReplyCodec, Work } from '../changes/work';
import type { Call, Context, UnaryHandler } from '../context';

/** What a mutation touches and decides, once its slow work is done. */
export type Plan<Reply> = Pick<
  Work<Reply>,
  'customers' | 'creates' | 'claims' | 'needs' | 'groups' | 'replyWhenErased' | 'decide'
>;

/** An rpc that changes customers or groups: what its file says, in the order in which it happens. */
export type Mutation<Raw, Request extends { readonly request_id: string }, Reply> = {
  readonly rpc: string;
  readonly reply: ReplyCodec<Reply>;
  /** The normalised request. Throws INVALID_REQUEST with every fault. */
  readonly validate: (ctx: Context, raw: Raw) => Request;
  /** True when this request's plan does slow work (hashing): a repeated call is answered before it, not after. */
  readonly isSlow?: (request: Request) => boolean;
  readonly plan: (ctx: Context, request: Request, call: Call) => Plan<Reply> | Promise<Plan<Reply>>;
};

/** The handler of a mutation: validate, do what is slow, change. */
export const mutation =
  <Raw, Request extends { readonly request_id: string }, Reply>({
    rpc,
    reply,
    validate,
    isSlow,
    plan,
  }: Mutation<Raw, Request, Reply>): UnaryHandler<Raw, Reply> =>
  async (ctx, raw, call) => {
    const request = validate(ctx, raw);
    const asked = { call, identity: { rpc, request }, reply };
    const first = isSlow?.(request) === true ? await ctx.changes.replay<Reply>({ ...asked, customers: [] }) : undefined;
    return first ?? ctx.changes.run({ ...asked, ...(await plan(ctx, request, call)) });
  };

/** A mutation whose request was found to be sound: what it asks for, normalised, and its plan once slow work is done. */
export type Prepared = {
  readonly request: unknown;
  /** Whether the plan does slow work. */
  readonly isSlow: boolean;
  readonly plan: (call: Call) => Plan<unknown> | Promise<Plan<unknown>>;
};

/** A mutation as a part of another call; throws what its `validate` throws. */
export const prepared =
  <Raw, Request extends { readonly request_id: string }, Reply>({
    validate,
    isSlow,
    plan,
  }: Mutation<Raw, Request, Reply>) =>
  (ctx: Context, raw: Raw): Prepared => {
    const request = validate(ctx, raw);
    return { request, isSlow: isSlow?.(request) === true, plan: (call) => plan(ctx, request, call) };
  };
