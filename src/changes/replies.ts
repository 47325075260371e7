import { createHmac, timingSafeEqual } from 'node:crypto';
import { DomainError } from '../errors';
import { canonicalJson } from '../security/canonical-json';
import { customerErased } from './decide';
import { replyKey, type BatchState, type StoredReply } from './state';
import type { Work } from './work';

/** An HMAC, so that a stored request gives nothing away, a password least of all. */
const requestHash = (identity: Work<unknown>['identity'], secret: string): Buffer => {
  const { request_id: _, ...request } = identity.request;
  return createHmac('sha256', secret)
    .update(`${identity.rpc}\n${canonicalJson(request)}`)
    .digest();
};

/** What answers repeated requests: looks for the first answer, and keeps answers. Any of the secrets may have signed. */
export type Replies = {
  /** The first answer to the same request. Throws REQUEST_ID_REUSED for another one, CUSTOMER_ERASED once erased. */
  readonly find: <Reply>(batch: Pick<BatchState, 'replies'>, work: AnyWork<Reply>) => { reply: Reply } | undefined;
  readonly keep: <Reply>(batch: BatchState, work: AnyWork<Reply>, reply: Reply) => void;
};

type AnyWork<Reply> = Pick<Work<Reply>, 'call' | 'identity' | 'reply' | 'customers' | 'creates' | 'replyWhenErased'>;

export const createReplies = (secrets: readonly [string, ...string[]]): Replies => ({
  find: (batch, work) => {
    const stored = batch.replies.get(replyKey(work.call.caller, work.identity.request.request_id));
    if (stored === undefined || work.identity.request.request_id === '') return undefined;
    if (!secrets.some((secret) => timingSafeEqual(requestHash(work.identity, secret), stored.request_hash))) {
      throw new DomainError('REQUEST_ID_REUSED', 'This request_id was used for another request');
    }
    if (stored.response !== null) return { reply: work.reply.decode(stored.response) };
    const [erased = ''] = stored.customer_ids;
    if (work.replyWhenErased !== undefined) return { reply: work.replyWhenErased(erased) };
    throw customerErased(erased);
  },
  keep: (batch, work, reply) => {
    const { request_id } = work.identity.request;
    if (request_id === '') return;
    const stored: StoredReply = {
      caller: work.call.caller,
      request_id,
      request_hash: requestHash(work.identity, secrets[0]),
      customer_ids: [...work.customers, ...(work.creates ?? [])],
      response: Buffer.from(work.reply.encode(reply).finish()),
    };
    batch.replies.set(replyKey(stored.caller, request_id), stored);
    batch.newReplies.push(stored);
  },
});
