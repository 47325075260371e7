import { newId } from '../../src/models/ids';
import { anAddress } from '../support/address';
import type { Rpc } from '../support/client';
import { eventsOf } from '../support/events';
import { startTestService, type TestService } from '../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

const PASSWORD = 'the first one';
let number = 0;
const unique = (): string => `every-${(number += 1)}`;

/** A registered customer with an address, and a group that it is not in. */
const newcomer = async () => {
  const { call } = test.client;
  const email = `${unique()}@example.com`;
  const { customer } = await call('createCustomer', { email, password: PASSWORD, addresses: [anAddress()] });
  const { addresses } = await call('listAddresses', { customer_id: customer!.id });
  const { customer_group } = await call('createCustomerGroup', { name: unique() });
  return { id: customer!.id, address: addresses[0]!.id, group: customer_group!.id };
};
type Newcomer = Awaited<ReturnType<typeof newcomer>>;

type Mutation = {
  readonly rpc: Rpc;
  /** A request that changes something. */
  readonly ask: (about: Newcomer) => object | Promise<object>;
  /** Makes another request of it. */
  readonly other: object;
};

/** Whatever names a customer or a group can expect a revision of it. */
const EXPECTING = { expected_revision: 1_000 };
const toAddress = ({ id, address }: Newcomer) => ({
  customer_id: id,
  target: { target: { $case: 'address_id', value: address } },
});
const operation = (name: string, value: object) => ({ operations: [{ operation: { $case: name, value } }] });

const MUTATIONS: readonly Mutation[] = [
  { rpc: 'createCustomer', ask: () => ({ email: `${unique()}@example.com` }), other: { first_name: 'Other' } },
  { rpc: 'updateCustomer', ask: ({ id }) => ({ id, first_name: 'New' }), other: EXPECTING },
  { rpc: 'deleteCustomer', ask: ({ id }) => ({ id }), other: EXPECTING },
  {
    rpc: 'restoreCustomer',
    ask: async ({ id }) => {
      await test.client.call('deleteCustomer', { id });
      return { id };
    },
    other: EXPECTING,
  },
  { rpc: 'eraseCustomer', ask: ({ id }) => ({ id }), other: EXPECTING },
  {
    rpc: 'addAddress',
    ask: ({ id }) => ({ customer_id: id, address: anAddress({ city: 'Aarhus' }) }),
    other: EXPECTING,
  },
  {
    rpc: 'updateAddress',
    ask: ({ id, address }) => ({ customer_id: id, id: address, city: 'Aarhus' }),
    other: EXPECTING,
  },
  { rpc: 'removeAddress', ask: ({ id, address }) => ({ customer_id: id, id: address }), other: EXPECTING },
  { rpc: 'updateBillingAddress', ask: toAddress, other: EXPECTING },
  { rpc: 'updateShippingAddress', ask: toAddress, other: EXPECTING },
  {
    rpc: 'mutateCustomers',
    ask: ({ id }) => operation('update_customer', { id, first_name: 'New' }),
    other: operation('create_customer', { email: 'other@example.com' }),
  },
  { rpc: 'generateResetPasswordToken', ask: ({ id }) => ({ customer_id: id }), other: EXPECTING },
  {
    rpc: 'resetPassword',
    ask: async ({ id }) => {
      const { token } = await test.client.call('generateResetPasswordToken', { customer_id: id });
      return { token, password: 'the second one' };
    },
    other: { password: 'the third one' },
  },
  {
    rpc: 'changePassword',
    ask: ({ id }) => ({ customer_id: id, current_password: PASSWORD, new_password: 'the second one' }),
    other: EXPECTING,
  },
  { rpc: 'createCustomerGroup', ask: () => ({ name: unique() }), other: { name: 'Other' } },
  { rpc: 'updateCustomerGroup', ask: ({ group }) => ({ id: group, name: unique() }), other: EXPECTING },
  { rpc: 'deleteCustomerGroup', ask: ({ group }) => ({ id: group }), other: EXPECTING },
  { rpc: 'addCustomersToGroup', ask: ({ id, group }) => ({ id: group, customer_ids: [id] }), other: EXPECTING },
  {
    rpc: 'removeCustomersFromGroup',
    ask: async ({ id, group }) => {
      const request = { id: group, customer_ids: [id] };
      await test.client.call('addCustomersToGroup', request);
      return request;
    },
    other: EXPECTING,
  },
];
const NAMING = MUTATIONS.filter(({ other }) => other === EXPECTING);

const call = (rpc: Rpc, request: object): Promise<object> => test.client.call(rpc, request);
const refusal = (rpc: Rpc, request: object) => test.client.refusal(call(rpc, request));

/** The field that names the customer or the group. */
const namingField = (request: object): 'customer_id' | 'id' => ('customer_id' in request ? 'customer_id' : 'id');
const named = (request: object): string => (request as Record<string, string>)[namingField(request)]!;

type Revised = { readonly id?: string; readonly revision: number };
type Answer = Partial<Revised> & {
  readonly customer?: Revised;
  readonly customer_group?: Revised;
  readonly results?: readonly { readonly result: { readonly value: Answer } }[];
};
/** What an answer says of the customer or the group. */
const told = (answer: Answer): Partial<Revised> => {
  if (answer.results !== undefined) return told(answer.results[0]!.result.value);
  return answer.customer ?? answer.customer_group ?? { revision: answer.revision! };
};
const revisionOf = async (id: string) => (await eventsOf(test.database, id)).at(-1)!.revision;

describe('every mutation', () => {
  it.each(MUTATIONS)(
    '$rpc answers its revision, and the same under its request_id again, with one event; nothing else goes under it',
    async ({ rpc, ask, other }) => {
      const about = await newcomer();
      const request_id = unique().padEnd(64, '~!');
      const request = { ...(await ask(about)), request_id };
      const first = await call(rpc, request);
      const { id = about.id, revision } = told(first);
      expect(revision).toBe(await revisionOf(id));
      expect(await call(rpc, request)).toEqual(first);
      expect(await refusal(rpc, { ...request, ...other })).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'REQUEST_ID_REUSED',
      });
      const events = (await eventsOf(test.database)).filter((event) => event.request_id === request_id);
      expect(events).toHaveLength(1);
    },
  );

  it.each(NAMING)('$rpc looks at the revision that is expected, 0 as well', async ({ rpc, ask }) => {
    const request = await ask(await newcomer());
    const revision = await revisionOf(named(request));
    const before = (await eventsOf(test.database)).length;
    for (const expected_revision of [0, revision - 1, revision + 1]) {
      expect(await refusal(rpc, { ...request, expected_revision })).toMatchObject({
        code: 'ABORTED',
        reason: 'REVISION_MISMATCH',
        metadata: { current_revision: String(revision) },
      });
    }
    expect(await eventsOf(test.database)).toHaveLength(before);
    await call(rpc, { ...request, expected_revision: revision });
    expect(await eventsOf(test.database)).toHaveLength(before + 1);
  });

  it.each(NAMING)('$rpc finds nobody under an unknown id, whatever revision is expected', async ({ rpc, ask }) => {
    const request = await ask(await newcomer());
    const id = newId(named(request).startsWith('cus') ? 'cus' : 'cgrp');
    const asked = { ...request, [namingField(request)]: id, ...EXPECTING };
    if (rpc.startsWith('delete')) {
      expect(await call(rpc, asked)).toEqual({});
    } else {
      const reason = id.startsWith('cus') ? 'CUSTOMER_NOT_FOUND' : 'GROUP_NOT_FOUND';
      expect(await refusal(rpc, asked)).toMatchObject({ code: 'NOT_FOUND', reason, resource: id });
    }
  });

  it.each(MUTATIONS)('$rpc names ids and request_ids of another form', async ({ rpc, ask, other }) => {
    const request = await ask(await newcomer());
    const isNaming = other === EXPECTING;
    const field = namingField(request);
    const id = isNaming ? { [field]: named(request).toLowerCase() } : {};
    for (const request_id of ['x'.repeat(65), 'a b', 'ä', '\x7f']) {
      expect(await refusal(rpc, { ...request, ...id, request_id })).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'INVALID_REQUEST',
        fields: isNaming ? [field, 'request_id'] : ['request_id'],
      });
    }
  });
});
