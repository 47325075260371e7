import type { Random } from './random';

/** What the callers know of a customer. Only what was acknowledged, so a lower bound. */
export type Known = {
  revision: number;
  readonly addresses: string[];
  /** Somebody is about to delete or erase it, and nobody else may. */
  isLeaving: boolean;
};

/** The customers that the callers share, and what they know of each. */
export type Acquaintances = {
  readonly emails: string[];
  readonly groups: string[];
  readonly count: () => number;
  readonly add: (id: string, revision: number, addresses?: readonly string[]) => void;
  readonly of: (id: string) => Known;
  readonly learn: (id: string, revision: number) => void;
  readonly anyId: () => string;
  /** One that nobody else takes away; the first ones hold the e-mails that are asked for again, so they stay. */
  readonly leaving: () => string | undefined;
  /** A leaving one is gone, to be restored perhaps. */
  readonly deleted: (id: string) => void;
  readonly erased: (id: string) => void;
  /** One that is deleted, taken out for whoever asks. */
  readonly takeDeleted: () => { readonly id: string; readonly known: Known } | undefined;
  readonly anyErased: () => string | undefined;
};

const KEPT = 5;

export const createAcquaintances = (random: Random): Acquaintances => {
  const customers = new Map<string, Known>();
  const gone: { readonly id: string; readonly known: Known }[] = [];
  const erased: string[] = [];
  const of = (id: string): Known => customers.get(id)!;
  return {
    emails: [],
    groups: [],
    of,
    count: () => customers.size,
    add: (id, revision, addresses = []) =>
      void customers.set(id, { revision, addresses: [...addresses], isLeaving: false }),
    learn: (id, revision) => {
      const known = customers.get(id);
      if (known !== undefined) known.revision = Math.max(known.revision, revision);
    },
    anyId: () => random.pick([...customers.keys()]),
    leaving: () => {
      const id = random.pick([...customers.keys()].slice(KEPT));
      if (of(id).isLeaving) return undefined;
      of(id).isLeaving = true;
      return id;
    },
    deleted: (id) => {
      gone.push({ id, known: of(id) });
      customers.delete(id);
    },
    erased: (id) => {
      customers.delete(id);
      erased.push(id);
    },
    takeDeleted: () => (gone.length === 0 ? undefined : gone.splice(random.below(gone.length), 1)[0]),
    anyErased: () => (erased.length === 0 ? undefined : random.pick(erased)),
  };
};
