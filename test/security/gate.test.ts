import { DomainError } from '../../src/errors';
import { createGate, type Patience } from '../../src/security/gate';

const patient = (): Patience => ({ deadline: Infinity, signal: new AbortController().signal });

/** A work that runs until it is let go. */
const held = () => {
  let isStarted = false;
  let release: (answer: string) => void = () => undefined;
  const outcome = new Promise<string>((resolve) => (release = resolve));
  const work = () => {
    isStarted = true;
    return outcome;
  };
  return { work, isStarted: () => isStarted, release: () => release('done') };
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a gate', () => {
  it('lets so many run at a time and the others in the order they came', async () => {
    const gate = createGate(2, 10);
    const works = [held(), held(), held(), held()];
    const outcomes = works.map(({ work }) => gate.inTurn(patient(), work));
    await turn();
    expect(works.map((one) => one.isStarted())).toEqual([true, true, false, false]);
    expect(gate.stats()).toEqual({ running: 2, queued: 2 });
    works[1]!.release();
    await outcomes[1];
    await turn();
    expect(works.map((one) => one.isStarted())).toEqual([true, true, true, false]);
    for (const one of works) one.release();
    expect(await Promise.all(outcomes)).toEqual(['done', 'done', 'done', 'done']);
    expect(gate.stats()).toEqual({ running: 0, queued: 0 });
  });

  it('refuses at once what finds the queue full', async () => {
    const gate = createGate(1, 1);
    const [first, second] = [held(), held()];
    const outcomes = [gate.inTurn(patient(), first.work), gate.inTurn(patient(), second.work)];
    await turn();
    expect(gate.isFull()).toBe(true);
    await expect(gate.inTurn(patient(), held().work)).rejects.toMatchObject({ reason: 'OVERLOADED' });
    for (const one of [first, second]) one.release();
    await Promise.all(outcomes);
    expect(gate.isFull()).toBe(false);
  });

  it('runs one even where nobody may wait', async () => {
    expect(await createGate(1, 0).inTurn(patient(), async () => 'ran')).toBe('ran');
  });

  it('gives no turn to who has left the queue or waited beyond the deadline', async () => {
    const gate = createGate(1, 10);
    const [first, gone, late, last] = [held(), held(), held(), held()];
    const running = gate.inTurn(patient(), first.work);
    const controller = new AbortController();
    const leaving = gate.inTurn({ deadline: Infinity, signal: controller.signal }, gone.work);
    const waiting = gate.inTurn({ ...patient(), deadline: Date.now() + 5 }, late.work);
    const lasting = gate.inTurn(patient(), last.work);
    await turn();
    controller.abort(new DomainError('CANCELLED', 'The caller is gone'));
    await expect(leaving).rejects.toMatchObject({ reason: 'CANCELLED' });
    expect(gate.stats()).toEqual({ running: 1, queued: 2 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    first.release();
    await expect(waiting).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
    last.release();
    expect(await lasting).toBe('done');
    await running;
    expect([gone.isStarted(), late.isStarted(), last.isStarted()]).toEqual([false, false, true]);
  });

  it('goes on after a work that fails', async () => {
    const gate = createGate(1, 10);
    const failing = gate.inTurn(patient(), () => Promise.reject(new Error('broken')));
    const next = gate.inTurn(patient(), async () => 'ran');
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('ran');
  });
});
