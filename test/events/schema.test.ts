import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFileRegistry, fromBinary, fromJson, type JsonObject } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { CUSTOMER_EVENT_TYPES, GROUP_EVENT_TYPES } from '../../src/events/catalogue';
import { eventsOf } from '../support/events';
import { startTestService, type TestService } from '../support/service';
import { until } from '../support/until';

const protos = fromBinary(FileDescriptorSetSchema, readFileSync(join(__dirname, '../../src/gen/descriptors.binpb')));
const registry = createFileRegistry(protos);

/** As a consumer that knows nothing but the published proto reads it; throws at whatever is not in there. */
const parse = (name: 'CustomerEvent' | 'CustomerGroupEvent', json: JsonObject) =>
  fromJson(registry.getMessage(`customer.v1.${name}`)!, json);

const address = {
  first_name: 'Anna',
  last_name: 'Jensen',
  address_1: 'Road 1',
  city: 'Aarhus',
  country_code: 'dk',
  postal_code: '8000',
};

describe('the JSON of events', () => {
  let test: TestService;
  beforeAll(async () => (test = await startTestService({ env: { LOGIN_MAX_FAILURES: '1' } })));
  afterAll(() => test.stop());

  const makeOneOfEachType = async (): Promise<void> => {
    const { call } = test.client;
    const email = 'anna@example.com';
    const { customer_group } = await call('createCustomerGroup', { name: 'VIP', metadata: { since: 2_026 } });
    const group = customer_group!.id;
    const made = await call('createCustomer', { email, metadata: { tags: ['a', null] }, addresses: [address] });
    const { id } = made.customer!;
    const target = { target: { $case: 'address', value: { ...address, city: 'Odense' } } } as const;
    await call('updateBillingAddress', { customer_id: id, target });
    await call('updateCustomer', { id, phone: '+45 1', external_id: 'e-1', first_name: 'Anna', request_id: 'once' });
    await call('updateCustomer', { id, password: 'correct horse' });
    await call('changePassword', { customer_id: id, current_password: 'correct horse', new_password: 'another horse' });
    await call('generateResetPasswordToken', { customer_id: id });
    const added = await call('addAddress', { customer_id: id, address: { ...address, city: 'Ribe' } });
    await call('updateAddress', { customer_id: id, id: added.address!.id, company: 'Jensen' });
    await call('removeAddress', { customer_id: id, id: added.address!.id });
    await call('addCustomersToGroup', { id: group, customer_ids: [id] });
    await call('removeCustomersFromGroup', { id: group, customer_ids: [id] });
    await call('authenticateCustomer', { email, password: 'a wrong one' });
    // Told of behind the answer.
    await until(async () => (await eventsOf(test.database)).some(({ type }) => type === 'customer.locked'));
    await call('deleteCustomer', { id });
    await call('restoreCustomer', { id });
    const other = await call('createCustomer', { email: 'other@example.com', first_name: 'Other' });
    await call('eraseCustomer', { id: other.customer!.id });
    await call('updateCustomerGroup', { id: group, name: 'Very important' });
    await call('deleteCustomerGroup', { id: group });
  };

  it('is proto-JSON of the published messages, whatever the type, with nothing that they do not name', async () => {
    await makeOneOfEachType();
    const events = await eventsOf(test.database);
    const types = new Set(events.map(({ type }) => type));
    expect([...types].sort()).toEqual([...CUSTOMER_EVENT_TYPES, ...GROUP_EVENT_TYPES].sort());
    for (const { type, data } of events) {
      const name = type.startsWith('customer.') ? 'CustomerEvent' : 'CustomerGroupEvent';
      const json = data as unknown as JsonObject;
      expect(parse(name, json)).toMatchObject({ $typeName: `customer.v1.${name}`, type });
      expect(() => parse(name, { ...json, unheard_of: 1 })).toThrow('unheard_of');
    }
  });
});
