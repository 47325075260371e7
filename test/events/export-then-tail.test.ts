import { Customer } from '../../src/gen/customer/v1/customer';
import { consumeUntil, describeKafka, type Received } from '../support/kafka';
import { startTestService, type TestService } from '../support/service';
import { exportAll } from '../support/streams';
import { until } from '../support/until';
import { watch } from '../support/watcher';

type Copy = Map<string, { readonly revision: number; readonly customer: Customer | undefined }>;

/** The rule of the revision: what the copy has already is passed over. */
const apply = (copy: Copy, revision: number, customer: Customer): void => {
  if ((copy.get(customer.id)?.revision ?? 0) >= revision) return;
  copy.set(customer.id, { revision, customer: customer.deleted_at === undefined ? customer : undefined });
};
const aliveOf = (copy: Copy): Customer[] =>
  [...copy.values()].flatMap(({ customer }) => customer ?? []).sort((a, b) => (a.id < b.id ? -1 : 1));

describeKafka('an export, and the events from its position on', () => {
  let test: TestService;
  beforeAll(async () => (test = await startTestService({ kafka: true })));
  afterAll(() => test.stop());

  const ids: string[] = [];
  const create = async (name: string): Promise<void> => {
    const { customer } = await test.client.call('createCustomer', { email: `${name}@example.com` });
    ids.push(customer!.id);
  };
  /** One of each kind of change, over and over, on whatever there is. */
  const change = async (n: number): Promise<unknown> => {
    const id = ids[(n * 7) % ids.length]!;
    const kinds = [
      () => create(`new-${n}`),
      () => test.client.call('updateCustomer', { id, metadata: { n } }),
      () => test.client.call('updateCustomer', { id, first_name: `Name ${n}` }),
      () => test.client.call('deleteCustomer', { id }),
      () => test.client.call('restoreCustomer', { id }),
      () => (n % 50 === 5 ? test.client.call('eraseCustomer', { id }) : undefined),
    ];
    // An erased or deleted one refuses: that is part of it.
    return Promise.resolve(kinds[n % kinds.length]!()).catch(() => undefined);
  };

  it('make an exact copy of all customers, while they are being changed', async () => {
    await Promise.all(Array.from({ length: 1_200 }, (_, n) => create(`old-${n}`)));
    let isExported = false;
    let changes = 0;
    const changing = Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let after = 0; after < 15; after += isExported ? 1 : 0) await change((changes += 1));
      }),
    );
    const { customers, position } = await exportAll(test.client.raw);
    isExported = true;
    await changing;

    const exported: Copy = new Map(
      customers.map((customer) => [customer.id, { revision: customer.revision, customer }]),
    );
    const [byStream, byKafka]: [Copy, Copy] = [new Map(exported), new Map(exported)];
    await until(async () => (await test.client.call('getStreamStatus', {})).outbox_pending === '0');
    const { head_position } = await test.client.call('getStreamStatus', {});
    expect(Number(head_position)).toBeGreaterThan(Number(position));

    const watcher = watch(test.client, { $case: 'after_position', value: position! });
    await watcher.until(({ messages }) => messages.at(-1)?.checkpoint === head_position);
    watcher.cancel();
    for (const { event } of watcher.items()) {
      if (event?.$case === 'customer_event') apply(byStream, event.value.revision, event.value.customer!);
    }

    const positionOf = ({ headers }: Received) => Number(headers['ce_position']);
    const topic = `${test.env['KAFKA_TOPIC_PREFIX']}customer.events`;
    const received = await consumeUntil(topic, (all) => new Set(all.map(positionOf)).size === Number(head_position));
    for (const message of received.filter((one) => positionOf(one) > Number(position))) {
      const event = JSON.parse(message.value!) as { readonly revision: number; readonly customer: unknown };
      apply(byKafka, event.revision, Customer.fromJSON(event.customer));
    }

    const now = (await exportAll(test.client.raw)).customers;
    expect(now).not.toEqual(customers);
    expect(aliveOf(byStream)).toEqual(now);
    expect(aliveOf(byKafka)).toEqual(now);
  });
});
