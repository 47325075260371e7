import { anAddress } from '../../support/address';
import { eventsOf } from '../../support/events';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

describe('DeleteCustomer', () => {
  it('takes the customer out of sight with one event, and frees its names', async () => {
    const request = { email: 'gone@example.com', external_id: 'gone' };
    const { customer } = await test.client.call('createCustomer', request);
    const answer = await test.client.call('deleteCustomer', { id: customer!.id });
    expect(answer.customer).toMatchObject({ id: customer!.id, revision: 2 });
    expect(answer.customer?.deleted_at).toBeDefined();
    expect(await test.client.refusal(test.client.call('getCustomer', { id: customer!.id }))).toMatchObject({
      code: 'NOT_FOUND',
      resource: customer!.id,
    });
    const [, event, ...others] = await eventsOf(test.database, customer!.id);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ type: 'customer.deleted', revision: 2, data: { changed_fields: [] } });
    expect(event?.data.customer).toMatchObject({
      ...request,
      revision: 2,
      deleted_at: event?.data.customer['updated_at'],
    });
    expect(event?.data.previous).toBeUndefined();
    await test.client.call('createCustomer', request);
  });

  it('is OK without a customer where there is nothing to delete, whatever revision is expected', async () => {
    const id = 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ';
    expect(await test.client.call('deleteCustomer', { id, expected_revision: 5 })).toEqual({ customer: undefined });
    const { customer } = await test.client.call('createCustomer', { email: 'twice@example.com' });
    const wrong = test.client.call('deleteCustomer', { id: customer!.id, expected_revision: 5 });
    expect(await test.client.refusal(wrong)).toMatchObject({ reason: 'REVISION_MISMATCH' });
    await test.client.call('deleteCustomer', { id: customer!.id, expected_revision: 1, request_id: 'd' });
    expect(await test.client.call('deleteCustomer', { id: customer!.id, expected_revision: 5 })).toEqual({});
    expect(await eventsOf(test.database, customer!.id)).toHaveLength(2);
  });

  it('takes addresses and memberships out of sight, but keeps them', async () => {
    const { customer_group: group } = await test.client.call('createCustomerGroup', { name: 'of the deleted' });
    const { customer } = await test.client.call('createCustomer', {
      email: 'related@example.com',
      addresses: [anAddress()],
    });
    const id = customer!.id;
    await test.client.call('addCustomersToGroup', { id: group!.id, customer_ids: [id] });
    await test.client.call('deleteCustomer', { id });
    for (const call of [
      test.client.call('listAddresses', { customer_id: id }),
      test.client.call('addAddress', { customer_id: id, address: anAddress() }),
      test.client.call('updateCustomer', { id, first_name: 'x' }),
      test.client.call('addCustomersToGroup', { id: group!.id, customer_ids: [id] }),
    ]) {
      expect(await test.client.refusal(call)).toMatchObject({ reason: 'CUSTOMER_NOT_FOUND', resource: id });
    }
    const event = (await eventsOf(test.database, id)).at(-1);
    expect(event).toMatchObject({ type: 'customer.deleted', data: { changed_fields: [] } });
    expect(event?.data.removed_address_ids).toBeUndefined();
    expect(event?.data.removed_group_ids).toBeUndefined();
  });

  it('deletes once when eight ask at once', async () => {
    const { customer } = await test.client.call('createCustomer', { email: 'eight@example.com' });
    const calls = Array.from({ length: 8 }, () => test.client.call('deleteCustomer', { id: customer!.id }));
    const answers = await Promise.all(calls);
    expect(answers.filter((answer) => answer.customer !== undefined)).toHaveLength(1);
    expect(await eventsOf(test.database, customer!.id)).toHaveLength(2);
  });
});
