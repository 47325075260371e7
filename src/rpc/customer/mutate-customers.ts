import { z } from 'zod';
import { StepRefused } from '../../changes/batch';
import type { Context, UnaryHandler } from '../../context';
import { DomainError, invalidRequest, type Violation } from '../../errors';
import {
  MutateCustomersResponse,
  type MutateCustomersRequest,
  type Operation,
  type OperationResult,
} from '../../gen/customer/v1/customer';
import { requestId } from '../../validation/fields';
import { validate } from '../../validation/validate';
import type { Plan, Prepared } from '../mutation';

const schema = z.object({ request_id: requestId() });

const LIMITS = { operations: 100, passwords: 5, violations: 20 } as const;

type Name = NonNullable<Operation['operation']>['$case'];
type RawOf<One extends Name> = Extract<Operation['operation'], { readonly $case: One }>['value'];

/** What an operation can be: the mutation behind each name, prepared. It throws INVALID_REQUEST with every fault. */
export type Operations = { readonly [One in Name]: (ctx: Context, raw: RawOf<One>) => Prepared };

/**
 * The seed's atomicPhase_, across calls: all operations take place or none, in one transaction, each written before the
 * next decides, so that each must hold when it runs.
 */
export const mutateCustomers =
  (operations: Operations): UnaryHandler<MutateCustomersRequest, MutateCustomersResponse> =>
  async (ctx, raw, call) => {
    const prepared = prepare(ctx, operations, raw);
    const request = {
      operations: prepared.map(({ name, request: one }) => ({ [name]: one })),
      request_id: raw.request_id,
    };
    const asked = { call, identity: { rpc: 'MutateCustomers', request }, reply: MutateCustomersResponse };
    const first = prepared.some(({ isSlow }) => isSlow)
      ? await ctx.changes.replay<MutateCustomersResponse>({ ...asked, customers: [] })
      : undefined;
    if (first !== undefined) return first;
    const plans = await Promise.all(prepared.map(async ({ plan }) => plan(call)));
    const results: OperationResult[] = [];
    return ctx.changes
      .runSequence<MutateCustomersResponse>({
        ...asked,
        ...together(plans),
        steps: plans.map(({ decide }, index) => (draft) => {
          const result = { $case: prepared[index]?.name, value: decide(draft) };
          results[index] = { result: result as OperationResult['result'] };
        }),
        answer: () => ({ results }),
      })
      .catch((error: unknown) => {
        throw error instanceof StepRefused ? refusalOf(error, prepared[error.step]?.name) : error;
      });
  };

type NamedPrepared = Prepared & { readonly name: Name };

/** Every operation, normalised. Throws INVALID_REQUEST with the faults of the call and of all operations at once. */
const prepare = (ctx: Context, operations: Operations, raw: MutateCustomersRequest): readonly NamedPrepared[] => {
  const ofCall = [...violationsOf(() => validate(schema, raw)), ...countFaults(raw.operations)];
  const prepared: NamedPrepared[] = [];
  const ofOperations = raw.operations.slice(0, LIMITS.operations).map((operation, index) =>
    violationsOf(() => {
      prepared.push(prepareOne(ctx, operations, operation, index));
    }),
  );
  const violations = [...ofCall, ...ofOperations.flat()].slice(0, LIMITS.violations);
  if (violations.length === 0) return prepared;
  const first = ofOperations.findIndex((faults) => faults.length > 0);
  throw invalidRequest(violations, first === -1 ? {} : { operation: String(first) });
};

const countFaults = (operations: readonly Operation[]): readonly Violation[] => {
  const field = 'operations';
  if (operations.length === 0) return [{ field, description: 'is required' }];
  if (operations.length > LIMITS.operations) {
    return [{ field, description: `must be at most ${LIMITS.operations}, not ${operations.length}` }];
  }
  const passwords = operations.filter(({ operation }) => hasPassword(operation)).length;
  if (passwords <= LIMITS.passwords) return [];
  return [{ field, description: `must set at most ${LIMITS.passwords} passwords, not ${passwords}` }];
};

const hasPassword = (operation: Operation['operation']): boolean =>
  operation !== undefined && 'password' in operation.value && (operation.value.password ?? '') !== '';

const prepareOne = (ctx: Context, operations: Operations, { operation }: Operation, index: number): NamedPrepared => {
  if (operation === undefined) {
    throw invalidRequest([{ field: pathOf(index, undefined, ''), description: 'must have one of the operations' }]);
  }
  const { $case: name, value } = operation;
  let prepared: Prepared | undefined;
  const faults = violationsOf(() => {
    prepared = operations[name](ctx, value as never);
  }).map((fault) => ({ ...fault, field: pathOf(index, name, fault.field) }));
  if (value.request_id !== '') {
    faults.push({ field: pathOf(index, name, 'request_id'), description: 'must be empty: give the call one' });
  }
  if (prepared === undefined || faults.length > 0) throw invalidRequest(faults);
  return { ...prepared, name };
};

/** The faults that a check throws INVALID_REQUEST with. */
const violationsOf = (check: () => unknown): readonly Violation[] => {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof DomainError && error.reason === 'INVALID_REQUEST') return error.violations;
    throw error;
  }
};

/** `operations[3].update_customer.email` */
const pathOf = (index: number, name: Name | undefined, field: string): string =>
  [`operations[${index}]`, name, field].filter((part) => part !== undefined && part !== '').join('.');

/** All that the plans touch, as one. */
const together = (plans: readonly Plan<unknown>[]) => {
  const claimed = <Key extends 'ids' | 'emails' | 'external_ids'>(key: Key) =>
    plans.flatMap(({ claims }) => claims?.[key] ?? []);
  return {
    customers: [...new Set(plans.flatMap(({ customers }) => customers))],
    creates: plans.flatMap(({ creates }) => creates ?? []),
    claims: {
      ids: claimed('ids'),
      emails: claimed('emails'),
      external_ids: claimed('external_ids'),
      own: plans.some(({ claims }) => claims?.own === true),
    },
    needs: {
      addresses: plans.some(({ needs }) => needs?.addresses === true),
      groups: plans.some(({ needs }) => needs?.groups === true),
    },
    groups: { ids: plans.flatMap(({ groups }) => groups?.ids ?? []), mode: 'share' as const },
  };
};

/** What an operation was refused for, with its index and its paths. */
const refusalOf = ({ step, refusal }: StepRefused, name: Name | undefined): unknown => {
  if (!(refusal instanceof DomainError)) return refusal;
  const { reason, message, resource } = refusal;
  const metadata = { ...refusal.metadata, operation: String(step) };
  if (reason === 'INVALID_REQUEST') {
    const faults = refusal.violations.map((fault) => ({ ...fault, field: pathOf(step, name, fault.field) }));
    return invalidRequest(faults, metadata);
  }
  return new DomainError(reason, message, { metadata, ...(resource === undefined ? {} : { resource }) });
};
