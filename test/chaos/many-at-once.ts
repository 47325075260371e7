import { newId } from '../../src/models/ids';
import type { Acquaintances } from './acquaintances';
import { anyAddress, toldOf } from './asking';
import type { Ledger } from './ledger';
import type { Random } from './random';

type Options = {
  readonly ledger: Ledger;
  readonly shared: Acquaintances;
  readonly random: Random;
  readonly onProblem: (problem: string) => void;
  readonly unique: () => string;
};

/** So many rows become known to the callers, so that they go on meeting each other. */
const KNOWN_ROWS = 2;

/** Several changes in one call: all or nothing of them, and each row for itself. */
export const manyAtOnce = ({ ledger, shared, random, onProblem, unique }: Options) => ({
  /** A new customer under an id of our own, with an address, and a change of one who is there. */
  mutate: async () => {
    const [id, other, email] = [newId('cus'), shared.anyId(), `mutated-${unique()}@example.com`];
    const before = shared.of(other);
    const answer = await ledger.change(
      'mutateCustomers',
      {
        operations: [
          { operation: { $case: 'create_customer', value: { id, email } } },
          { operation: { $case: 'add_address', value: { customer_id: id, address: anyAddress(random) } } },
          { operation: { $case: 'update_customer', value: { id: other, metadata: { mutated: unique() } } } },
        ],
      },
      ({ results }) =>
        results.flatMap(({ result }) => {
          if (result?.$case === 'add_address') return [{ aggregate_id: id, revision: result.value.revision }];
          return result !== undefined && 'customer' in result.value ? toldOf(result.value.customer) : [];
        }),
    );
    if ('response' in answer) shared.add(id, 2);
    else if (!before.isLeaving) onProblem(`a change of ${other} and a new customer was refused: ${answer.reason}`);
  },

  /** The last operation cannot be, so none of them may. */
  mutateInVain: async () => {
    const [id, email] = [newId('cus'), random.pick(shared.emails)];
    const answer = await ledger.change(
      'mutateCustomers',
      {
        operations: [
          { operation: { $case: 'update_customer', value: { id: shared.anyId(), metadata: { vain: unique() } } } },
          { operation: { $case: 'create_customer', value: { id, email } } },
        ],
      },
      () => [],
    );
    if ('response' in answer) onProblem(`a second customer got the e-mail ${email} in a change of several`);
  },

  import: async () => {
    const taken = random.pick(shared.emails);
    const emails = Array.from({ length: 3 + random.below(8) }, () => `imported-${unique()}@example.com`);
    const rows = [...emails, taken].map((email) => ({ email, metadata: { from: email } }));
    const customers = await ledger.importAll(rows);
    if (customers.pop() !== undefined) onProblem(`a row got the e-mail ${taken} a second time`);
    if (customers.includes(undefined)) onProblem('a new customer was refused as a row');
    for (const customer of customers.slice(0, KNOWN_ROWS)) {
      if (customer !== undefined) shared.add(customer.id, customer.revision);
    }
  },
});
