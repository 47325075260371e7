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
  readonly plan: (ctx: Context, request: Request, call: Call) => Plan<Reply> | Promise<Plan<Reply>>;
};

/** The handler of a mutation: validate, do what is slow, change. */
export const mutation =
  <Raw, Request extends { readonly request_id: string }, Reply>({
    rpc,
    reply,
    validate,
    plan,
  }: Mutation<Raw, Request, Reply>): UnaryHandler<Raw, Reply> =>
  async (ctx, raw, call) => {
    const request = validate(ctx, raw);
    return ctx.changes.run({ call, identity: { rpc, request }, reply, ...(await plan(ctx, request, call)) });
  };
