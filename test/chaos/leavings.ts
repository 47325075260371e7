import type { Acquaintances } from './acquaintances';
import { toldOf } from './asking';
import type { Ledger } from './ledger';
import type { Random } from './random';

type Options = {
  readonly ledger: Ledger;
  readonly shared: Acquaintances;
  readonly random: Random;
  readonly onProblem: (problem: string) => void;
  readonly createCustomer: () => Promise<void>;
  /** With fewer customers than this none leaves. */
  readonly enough: number;
};

/** What takes customers away, and what brings them back. */
export const leavings = ({ ledger, shared, random, onProblem, createCustomer, enough }: Options) => {
  const leaving = (): string | undefined => (shared.count() < enough ? undefined : shared.leaving());

  return {
    delete: async () => {
      const id = leaving();
      if (id === undefined) return createCustomer();
      await ledger.change('deleteCustomer', { id }, ({ customer }) => toldOf(customer));
      shared.deleted(id);
    },

    restore: async () => {
      const { id, known } = shared.takeDeleted() ?? {};
      if (id === undefined || known === undefined) return;
      const answer = await ledger.change('restoreCustomer', { id }, ({ customer }) => toldOf(customer));
      if (!('response' in answer)) {
        onProblem(`${id} was not restored: ${answer.reason}`);
        return;
      }
      const { revision } = answer.response.customer!;
      if (revision <= known.revision) onProblem(`${id} was deleted as ${known.revision}, restored as ${revision}`);
      shared.add(id, revision, known.addresses);
    },

    /** One that is alive, or one that is deleted. What was erased is gone for whoever reads next. */
    erase: async () => {
      const id = random.chance(0.5) ? shared.takeDeleted()?.id : leaving();
      if (id === undefined) return createCustomer();
      const answer = await ledger.change('eraseCustomer', { id }, ({ revision }) => [{ aggregate_id: id, revision }]);
      if (!('response' in answer)) {
        onProblem(`${id} was not erased: ${answer.reason}`);
        return;
      }
      shared.erased(id);
      if ((await ledger.read('getCustomer', { id })) !== undefined) onProblem(`${id} was read after it was erased`);
    },

    restoreErased: async () => {
      const id = shared.anyErased();
      if (id === undefined) return;
      const answer = await ledger.change('restoreCustomer', { id }, ({ customer }) => toldOf(customer));
      if ('response' in answer) onProblem(`${id} was restored after it was erased`);
    },
  };
};
