import { setTimeout as delay } from 'node:timers/promises';
import { startTestService, type TestService } from '../../support/service';
import { watch, type Watcher } from '../../support/watcher';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

let count = 0;
const create = async (metadata = {}): Promise<string> => {
  const { customer } = await test.client.call('createCustomer', { email: `w-${(count += 1)}@example.com`, metadata });
  return customer!.id;
};
const head = async (): Promise<number> => {
  const [row] = await test.database.query<{ position: string }>(
    `select position + (select count(*) from customer_outbox) as position from event_cursors where name = 'log'`,
  );
  return Number(row!.position);
};
const after = (position: number) => ({ $case: 'after_position', value: String(position) }) as const;
const has = (position: number) => (watcher: Watcher) => Number(watcher.messages.at(-1)?.checkpoint) >= position;
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('WatchEvents', () => {
  it('begins with a checkpoint, then brings what happens to every watcher, live', async () => {
    await create();
    const before = await head();
    const watchers = Array.from({ length: 8 }, () => watch(test.client));
    await Promise.all(watchers.map((watcher) => watcher.until(({ messages }) => messages.length > 0)));
    for (const { messages } of watchers) expect(messages[0]).toEqual({ items: [], checkpoint: String(before) });
    const id = await create();
    await test.client.call('updateCustomer', { id, first_name: 'Anna' });
    for (const watcher of watchers) {
      await watcher.until(has(before + 2));
      expect(watcher.positions()).toEqual([before + 1, before + 2]);
      expect(watcher.items()[1]?.event).toMatchObject({
        $case: 'customer_event',
        value: { customer: { id, first_name: 'Anna' } },
      });
      watcher.cancel();
    }
  });

  it('resumes at any position without gap or repeat, while changes come in', async () => {
    const changing = Promise.all(Array.from({ length: 300 }, () => create()));
    const { items } = await test.client.call('listEvents', { page_size: 1_000 });
    const watchers = [0, 1, 3, items.length].map((position) => ({
      position,
      watcher: watch(test.client, after(position)),
    }));
    await changing;
    const last = await head();
    for (const { position, watcher } of watchers) {
      await watcher.until(has(last));
      expect(watcher.positions()).toEqual(from(position + 1, last));
      watcher.cancel();
    }
    for (const position of [3, last - 5, last]) {
      const watcher = watch(test.client, after(position));
      await watcher.until(has(last));
      expect(watcher.positions()).toEqual(from(position + 1, last));
      watcher.cancel();
    }
  });

  it('brings only what matches, and at most 100 items a message', async () => {
    const [one, two] = [await create(), await create()];
    for (let n = 0; n < 5; n += 1) await test.client.call('updateCustomer', { id: one, metadata: { n } });
    await test.client.call('deleteCustomer', { id: two });
    const byId = watch(test.client, after(0), { aggregate_ids: [one, two], types: [] });
    const byType = watch(test.client, after(0), { types: ['customer.deleted'] });
    const whole = watch(test.client, after(0));
    const last = await head();
    await Promise.all([
      whole.until(has(last)),
      byType.until((w) => w.items().length > 0),
      byId.until((w) => w.items().length === 8),
    ]);
    expect(byId.items().map(({ event }) => event!.value.type)).toEqual([
      ...['customer.created', 'customer.created'],
      ...Array.from({ length: 5 }, () => 'customer.updated'),
      'customer.deleted',
    ]);
    expect(byType.items().every(({ event }) => event!.value.type === 'customer.deleted')).toBe(true);
    expect(whole.messages.every(({ items }) => items.length <= 100)).toBe(true);
    for (const watcher of [byId, byType, whole]) watcher.cancel();
  });

  it('lets a slow watcher hold up nobody, and gives it everything in the end', async () => {
    const start = await head();
    const slow = watch(test.client, after(start));
    await slow.until(has(start));
    slow.stream.pause();
    const quick = watch(test.client, after(start));
    const large = { text: 'x'.repeat(15_000) };
    for (let round = 0; round < 30; round += 1) await Promise.all(Array.from({ length: 20 }, () => create(large)));
    const last = await head();
    await quick.until(has(last));
    expect(quick.positions()).toEqual(from(start + 1, last));
    expect(slow.positions().length).toBeLessThan(last - start);
    slow.stream.resume();
    await slow.until(has(last));
    expect(slow.positions()).toEqual(from(start + 1, last));
    for (const watcher of [slow, quick]) watcher.cancel();
  });

  it('costs nothing once nobody watches', async () => {
    const reads = jest.spyOn(test.service.context.eventLog, 'stretch');
    const watcher = watch(test.client);
    await watcher.until(({ messages }) => messages.length > 0);
    while (reads.mock.calls.length < 3) await delay(20);
    watcher.cancel();
    await delay(500);
    const sofar = reads.mock.calls.length;
    await delay(700);
    expect(reads.mock.calls.length).toBe(sofar);
    reads.mockRestore();
  });

  it('tells nobody what was erased, not even out of memory', async () => {
    const keeping = watch(test.client);
    await keeping.until(({ messages }) => messages.length > 0);
    const before = await head();
    const { customer } = await test.client.call('createCustomer', { email: 'gone@example.com', first_name: 'Gone' });
    await keeping.until(has(before + 1));
    await test.client.call('eraseCustomer', { id: customer!.id });
    const late = watch(test.client, after(before));
    await late.until(has(before + 2));
    expect(late.items()[0]?.event?.value).toMatchObject({
      type: 'customer.created',
      customer: { email: '', revision: 1 },
    });
    for (const watcher of [keeping, late]) watcher.cancel();
  });

  it('refuses positions that are not there, and faults all at once', async () => {
    expect(await watch(test.client, after(10_000_000)).ended).toMatchObject({
      code: 'OUT_OF_RANGE',
      reason: 'POSITION_AHEAD',
    });
    const faulty = watch(
      test.client,
      { $case: 'now', value: false },
      { aggregate_ids: ['cus_1'], types: ['customer.x'] },
    );
    expect(await faulty.ended).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: ['aggregate_ids[0]', 'types[0]', 'now'],
    });
    await test.database.query('delete from customer_events where position <= 10');
    expect(await watch(test.client, after(9)).ended).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'POSITION_TOO_OLD',
      metadata: { oldest_position: '11' },
    });
  });

  it('ends with DRAINING when the server stops', async () => {
    const second = await startTestService({ database: test.database, env: { ...test.env, SHUTDOWN_GRACE_MS: '2000' } });
    const watchers = [watch(second.client), watch(second.client, after(20))];
    await Promise.all(watchers.map((watcher) => watcher.until(({ messages }) => messages.length > 0)));
    await second.service.stop();
    for (const watcher of watchers) {
      expect(await watcher.ended).toMatchObject({ code: 'UNAVAILABLE', reason: 'DRAINING', retries: true });
    }
    await second.stop();
  });
});
