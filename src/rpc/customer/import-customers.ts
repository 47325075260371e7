import { z } from 'zod';
import { claimsOf, newCustomer } from '../../changes/new-customer';
import type { Work } from '../../changes/work';
import type { BidiStreamHandler, Call, Context } from '../../context';
import { DomainError, type Reason } from '../../errors';
import {
  Customer,
  type ImportCustomersRequest,
  type ImportCustomersResponse,
  type ImportCustomersResponse_Result,
} from '../../gen/customer/v1/customer';
import { toCustomer } from '../../models/customer';
import { newId } from '../../models/ids';
import { isKnownHash } from '../../security/passwords';
import { id } from '../../validation/fields';
import { newCustomer as newCustomerSchema } from '../../validation/new-customer';
import { present } from '../../validation/present';
import { pastTime } from '../../validation/time';
import { schemaBy, validate } from '../../validation/validate';
import { chunksOf } from '../chunks';
import { gather } from '../gather';
import { weightOf } from '../weight';

/** Rows that one stream holds while others of it are being stored, and about how many bytes. */
const AHEAD = { items: 500, weight: 4 * 1024 * 1024 } as const;

/** What is wrong with the service and not with a row: the stream ends, to be resumed. */
const ENDS_THE_STREAM: ReadonlySet<Reason> = new Set<Reason>(['DATABASE_UNAVAILABLE', 'OVERLOADED']);

const schema = schemaBy((minPassword: number) =>
  z.object({
    customer: present(newCustomerSchema(minPassword)),
    password_hash: z.string().refine((hash) => hash === '' || isKnownHash(hash), {
      error: 'must be a bcrypt hash or a scrypt-kdf one in base64',
    }),
    created_at: pastTime(),
    group_ids: z
      .array(id('cgrp'))
      .max(1_000, 'must have at most 1,000 ids')
      .transform((ids) => [...new Set(ids)].sort()),
  }),
);

const validateRow = (ctx: Context, raw: ImportCustomersRequest) =>
  validate(schema(ctx.config.passwordMinLength), raw, ({ customer, password_hash }) =>
    password_hash === '' || customer === undefined || customer.password === ''
      ? []
      : [{ field: 'password_hash', description: 'must not be given together with customer.password' }],
  );

/** A row that can be stored, or why it cannot. */
type Row = { readonly weight: number } & ({ readonly work: Work<Customer> } | { readonly thrown: unknown });

const workOf = async (ctx: Context, raw: ImportCustomersRequest, call: Call): Promise<Work<Customer>> => {
  const row = validateRow(ctx, raw);
  const { customer, created_at, group_ids } = row;
  const customer_id = customer.id === '' ? newId('cus') : customer.id;
  const hash = customer.password === '' ? row.password_hash : await ctx.passwords.hash(customer.password, call);
  return {
    call,
    identity: { rpc: 'ImportCustomers', request: { ...row, request_id: customer.request_id } },
    reply: Customer,
    customers: [],
    creates: [customer_id],
    claims: claimsOf(customer),
    groups: { ids: group_ids, mode: 'share' },
    decide: (draft) => {
      for (const group_id of group_ids) draft.group(group_id);
      const now = draft.now;
      const times = created_at === undefined ? {} : { created_at };
      return toCustomer(
        draft.create(newCustomer(customer_id, customer, hash === '' ? null : hash, now, { ...times, group_ids })),
      );
    },
  };
};

/** Validates and hashes, one by one: that goes on while the rows before are being stored. */
const rowsOf = async function* (
  ctx: Context,
  requests: AsyncIterable<ImportCustomersRequest>,
  call: Call,
): AsyncGenerator<Row> {
  for await (const raw of requests) {
    const weight = weightOf(raw);
    yield await workOf(ctx, raw, call).then(
      (work) => ({ weight, work }),
      (thrown: unknown) => ({ weight, thrown }),
    );
  }
};

type Refused = { readonly thrown: unknown };
type Outcome = { readonly customer: Customer } | Refused;

const store = (ctx: Context, rows: readonly Row[]): Promise<Outcome[]> =>
  Promise.all(
    rows.map(async (row) =>
      'thrown' in row
        ? row
        : ctx.changes.runInBulk(row.work).then(
            (customer) => ({ customer }),
            (thrown: unknown) => ({ thrown }),
          ),
    ),
  );

const endsTheStream = (outcome: Outcome): outcome is Refused =>
  'thrown' in outcome && outcome.thrown instanceof DomainError && ENDS_THE_STREAM.has(outcome.thrown.reason);

/**
 * Rows are validated as they arrive, stored by the lot (what arrived while the lot before was being stored), and
 * answered in their order. The next lot is on its way before the results of this one are sent.
 */
export const importCustomers: BidiStreamHandler<ImportCustomersRequest, ImportCustomersResponse> = async function* (
  ctx,
  requests,
  call,
) {
  const rows = gather(rowsOf(ctx, requests, call), AHEAD);
  const resultOf = (outcome: Outcome, index: number): ImportCustomersResponse_Result => ({
    index,
    outcome:
      'customer' in outcome
        ? { $case: 'customer', value: outcome.customer }
        : { $case: 'error', value: call.refusal(outcome.thrown) },
  });
  let answered = 0;
  let storing: Promise<Outcome[]> | undefined;
  for (;;) {
    if (storing === undefined) {
      if (!(await rows.more())) return;
      call.signal.throwIfAborted();
      storing = store(ctx, rows.take());
    }
    const outcomes = await storing;
    const fatal = outcomes.find(endsTheStream);
    const ahead = fatal === undefined && !call.signal.aborted ? rows.take() : [];
    storing = ahead.length === 0 ? undefined : store(ctx, ahead);

    const told = fatal === undefined ? outcomes : outcomes.slice(0, outcomes.indexOf(fatal));
    const first = answered;
    answered += told.length;
    for (const results of chunksOf(told.map((outcome, place) => resultOf(outcome, first + place)))) yield { results };
    if (fatal !== undefined) throw fatal.thrown;
  }
};
