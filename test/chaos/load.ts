import { setTimeout as delay } from 'node:timers/promises';
import { createAcquaintances } from './acquaintances';
import { anyAddress, toldOf } from './asking';
import { leavings } from './leavings';
import type { Ledger } from './ledger';
import { manyAtOnce } from './many-at-once';
import type { Random } from './random';

type Load = {
  /** Lets the callers finish what they are at. */
  readonly stop: () => Promise<void>;
};

const CALLERS = 12;
/** So few that callers meet. */
const CUSTOMERS = 60;
const PAUSE_MS = 30;

/** Mixed changes from several callers at once, for as long as it takes. */
export const startLoad = async (
  ledger: Ledger,
  random: Random,
  onProblem: (problem: string) => void,
): Promise<Load> => {
  const shared = createAcquaintances(random.fork());
  let isStopped = false;
  let made = 0;
  const unique = (): string => `${(made += 1)}`;

  const createCustomer = async (): Promise<void> => {
    const email = `caller-${unique()}@example.com`;
    const addresses = random.chance(0.3) ? [anyAddress(random)] : [];
    const answer = await ledger.change('createCustomer', { email, addresses, metadata: { from: email } }, (response) =>
      toldOf(response.customer),
    );
    if (!('response' in answer)) {
      onProblem(`a new customer was refused: ${answer.reason}`);
      return;
    }
    const { id, revision } = answer.response.customer!;
    shared.add(id, revision);
    if (shared.emails.length < 5) shared.emails.push(email);
  };

  const createGroup = async (): Promise<void> => {
    const answer = await ledger.change('createCustomerGroup', { name: `group ${unique()}` }, ({ customer_group }) => [
      { aggregate_id: customer_group!.id, revision: customer_group!.revision },
    ]);
    if ('response' in answer) shared.groups.push(answer.response.customer_group!.id);
  };

  const { anyId, learn } = shared;
  const actions: Readonly<Record<string, () => Promise<unknown>>> = {
    ...leavings({ ledger, shared, random, onProblem, createCustomer, enough: CUSTOMERS }),
    ...manyAtOnce({ ledger, shared, random, onProblem, unique }),
    create: createCustomer,
    createTaken: async () => {
      const email = random.pick(shared.emails);
      const answer = await ledger.change('createCustomer', { email }, ({ customer }) => toldOf(customer));
      if ('response' in answer) onProblem(`a second customer got the e-mail ${email}`);
    },
    update: async () => {
      const id = anyId();
      const before = shared.of(id);
      const known = before.revision;
      const answer = await ledger.change(
        'updateCustomer',
        {
          id,
          metadata: { [`key_${random.below(8)}`]: unique() },
          ...(random.chance(0.2) ? { first_name: unique() } : {}),
        },
        ({ customer }) => toldOf(customer),
      );
      if ('response' in answer) {
        const { revision } = answer.response.customer!;
        if (revision <= known) onProblem(`${id} was acknowledged as ${known} and then as ${revision}`);
        learn(id, revision);
      } else if (!before.isLeaving) onProblem(`update of ${id} was refused: ${answer.reason}`);
    },
    updateExpecting: async () => {
      const id = anyId();
      const expected_revision = shared.of(id).revision;
      const answer = await ledger.change(
        'updateCustomer',
        { id, expected_revision, metadata: { expected: unique() } },
        ({ customer }) => toldOf(customer),
      );
      if (!('response' in answer)) return;
      const { revision } = answer.response.customer!;
      if (revision !== expected_revision + 1) onProblem(`${id}: expected ${expected_revision}, became ${revision}`);
      learn(id, revision);
    },
    addAddress: async () => {
      const id = anyId();
      const { addresses } = shared.of(id);
      const answer = await ledger.change('addAddress', { customer_id: id, address: anyAddress(random) }, (response) =>
        response.created ? [{ aggregate_id: id, revision: response.revision }] : [],
      );
      if ('response' in answer) addresses.push(answer.response.address!.id);
    },
    updateAddress: async () => {
      const customer_id = anyId();
      const { addresses } = shared.of(customer_id);
      if (addresses.length === 0) return;
      await ledger.change(
        'updateAddress',
        { customer_id, id: random.pick(addresses), company: `company ${unique()}` },
        ({ revision }) => [{ aggregate_id: customer_id, revision }],
      );
    },
    removeAddress: async () => {
      const customer_id = anyId();
      const { addresses } = shared.of(customer_id);
      const id = addresses.pop();
      if (id === undefined) return;
      await ledger.change('removeAddress', { customer_id, id }, ({ removed, revision }) =>
        removed ? [{ aggregate_id: customer_id, revision }] : [],
      );
    },
    join: async () => {
      const customer_ids = [...new Set([anyId(), anyId(), anyId()])];
      const id = random.pick(shared.groups);
      await ledger.change('addCustomersToGroup', { id, customer_ids }, ({ changed_count }) => changed_count);
    },
    leave: async () => {
      const customer_ids = [...new Set([anyId(), anyId()])];
      const id = random.pick(shared.groups);
      await ledger.change('removeCustomersFromGroup', { id, customer_ids }, ({ changed_count }) => changed_count);
    },
    updateGroup: async () => {
      const id = random.pick(shared.groups);
      await ledger.change('updateCustomerGroup', { id, metadata: { note: unique() } }, ({ customer_group }) => [
        { aggregate_id: id, revision: customer_group!.revision },
      ]);
    },
    /** What was acknowledged is there for whoever reads next, on whatever service. */
    read: async () => {
      const id = anyId();
      const before = shared.of(id);
      const { revision } = before;
      const response = await ledger.read('getCustomer', { id });
      const isStale = response === undefined ? !before.isLeaving : response.customer!.revision < revision;
      if (isStale) onProblem(`a read of ${id} did not see revision ${revision}`);
    },
  };
  const often = [
    'update',
    'update',
    'update',
    'update',
    'create',
    'updateExpecting',
    'read',
    'delete',
    'delete',
    'erase',
  ];
  const menu = [...Object.keys(actions), ...often];

  await Promise.all([createGroup(), createGroup(), createGroup()]);
  for (let index = 0; index < CUSTOMERS / 4; index += 1) await createCustomer();

  const caller = async (chance: Random): Promise<void> => {
    while (!isStopped) {
      await actions[chance.pick(menu)]!();
      await delay(chance.below(2 * PAUSE_MS));
    }
  };
  const running = Promise.all(Array.from({ length: CALLERS }, () => caller(random.fork())));
  running.catch((error: unknown) => onProblem(`a caller ended: ${String(error)}`));
  return {
    stop: async () => {
      isStopped = true;
      await running;
    },
  };
};
