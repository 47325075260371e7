import { applyCustomerEvent, keepProjection, type Projection } from '../../examples/keep-a-projection';
import { rebuildFromState, type State } from '../../examples/rebuild-from-state';
import { sendResetMails, type Mail } from '../../examples/send-reset-mails';
import { Address, Customer, Customer_Relation as Relation } from '../../src/gen/customer/v1/customer';
import { describeKafka } from '../support/kafka';
import { startTestService, type TestService } from '../support/service';
import { until } from '../support/until';

const city = (name: string) => ({
  first_name: 'Anna',
  last_name: 'Jensen',
  address_1: 'Main street 1',
  city: name,
  country_code: 'de',
  postal_code: '10115',
});

describeKafka('the examples', () => {
  let test: TestService;
  let options: { brokers: string[]; topicPrefix: string };
  beforeAll(async () => {
    test = await startTestService({ kafka: true });
    options = { brokers: [test.env['KAFKA_BROKERS']!], topicPrefix: test.env['KAFKA_TOPIC_PREFIX']! };
    await makeChanges();
    const head = async () =>
      (await test.client.call('getStreamStatus', {})).sinks.every(({ pending }) => pending === '0');
    await until(head);
  });
  afterAll(() => test.stop());

  const create = async (email: string, password = '') => {
    const request = {
      email: `${email}@example.com`,
      password,
      first_name: 'Anna',
      addresses: [city('Berlin'), city('Bonn')],
    };
    return (await test.client.call('createCustomer', request)).customer!.id;
  };
  const all: string[] = [];
  const makeChanges = async (): Promise<void> => {
    for (let n = 0; n < 12; n += 1) all.push(await create(`c-${n}`, n % 2 === 0 ? 'correct horse' : ''));
    const [one, two, three, four, five] = all as [string, string, string, string, string];
    const group = async (name: string) => (await test.client.call('createCustomerGroup', { name })).customer_group!.id;
    const [vip, gone] = [await group('VIP'), await group('Gone')];
    await test.client.call('addCustomersToGroup', { id: vip, customer_ids: all });
    await test.client.call('addCustomersToGroup', { id: gone, customer_ids: all });
    await test.client.call('removeCustomersFromGroup', { id: vip, customer_ids: [two, three] });
    await test.client.call('deleteCustomerGroup', { id: gone });
    const { address } = await test.client.call('addAddress', { customer_id: one, address: city('Rome') });
    await test.client.call('updateAddress', { customer_id: one, id: address!.id, city: 'Milan' });
    const { addresses } = await test.client.call('listAddresses', { customer_id: two });
    await test.client.call('removeAddress', { customer_id: two, id: addresses[0]!.id });
    await test.client.call('updateCustomer', { id: two, metadata: { plan: 'gold' }, email: 'other@example.com' });
    await test.client.call('deleteCustomer', { id: three });
    await test.client.call('deleteCustomer', { id: four });
    await test.client.call('restoreCustomer', { id: four });
    await test.client.call('eraseCustomer', { id: five });
    await test.client.call('generateResetPasswordToken', { customer_id: one });
  };
  const stored = async (id: string) => {
    const expand = [Relation.RELATION_ADDRESSES, Relation.RELATION_GROUPS];
    const { customer } = await test.client.call('getCustomer', { id, expand });
    const { addresses, groups, ...own } = customer!;
    return { own: { ...own, addresses: [], groups: [] }, addresses, groups: groups.map((group) => group.id).sort() };
  };
  const isAlive = (id: string) => id !== all[2] && id !== all[4];

  it('keep a copy of all customers that is exact, whatever comes twice', async () => {
    const projection: Projection = { customers: new Map(), deletedGroups: new Set() };
    const stop = await keepProjection(projection, { ...options, groupId: `projection-${Date.now()}` });
    await test.client.call('replayEvents', { after_position: '0' });
    const revisions = async () => {
      const rows = await test.database.query<{ id: string; revision: number }>('select id, revision from customers');
      return rows.every(({ id, revision }) => projection.customers.get(id)?.revision === revision);
    };
    await until(async () => (await revisions()) && projection.deletedGroups.size === 1);
    await stop();
    for (const id of all.filter(isAlive)) {
      const kept = projection.customers.get(id)!;
      const { own, addresses, groups } = await stored(id);
      expect(Customer.fromJSON(kept.customer)).toEqual(own);
      expect([...kept.addresses.values()].map((address) => Address.fromJSON(address))).toEqual(addresses);
      expect([...kept.groups].sort()).toEqual(groups);
      expect(kept.isDeleted).toBe(false);
    }
    expect(projection.customers.get(all[2]!)?.isDeleted).toBe(true);
    expect(projection.customers.get(all[4]!)).toMatchObject({
      isDeleted: true,
      addresses: new Map(),
      groups: new Set(),
    });
  });

  it('pass over a change that is older than what is kept', () => {
    const projection: Projection = { customers: new Map(), deletedGroups: new Set() };
    const event = { type: 'customer.updated', customer_id: 'a', revision: 2, customer: { first_name: 'new' } };
    applyCustomerEvent(projection, event);
    applyCustomerEvent(projection, { ...event, revision: 1, customer: { first_name: 'old' } });
    expect(projection.customers.get('a')?.customer).toEqual({ first_name: 'new' });
  });

  it('rebuild a table from the last states alone', async () => {
    const customers = new Map<string, State>();
    const stop = await rebuildFromState(customers, { ...options, groupId: `rebuild-${Date.now()}`, quietMs: 1_500 });
    await stop();
    expect([...customers.keys()].sort()).toEqual(all.filter(isAlive).sort());
    for (const [id, state] of customers) expect(Customer.fromJSON(state)).toEqual((await stored(id)).own);
  });

  it('send the mail that resets a password', async () => {
    const mails: Mail[] = [];
    const stop = await sendResetMails(async (mail) => void mails.push(mail), {
      ...options,
      groupId: `mailer-${Date.now()}`,
    });
    await until(async () => mails.length > 0);
    await stop();
    expect(mails).toMatchObject([{ to: 'c-0@example.com', name: 'Anna' }]);
    await test.client.call('resetPassword', { token: mails[0]!.token, password: 'another horse' });
  });
});
