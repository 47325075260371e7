import { watchHashing } from '../support/hashing';
import { startTestService, type TestService } from '../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

describe('a repeated call with a password', () => {
  it('is answered as the first time without being hashed again, so that no full queue can refuse it', async () => {
    const create = { email: 'repeat@example.com', password: 'the first one', request_id: 'create' };
    const created = await test.client.call('createCustomer', create);
    const update = { id: created.customer!.id, password: 'the second one', request_id: 'update' };
    const updated = await test.client.call('updateCustomer', update);
    const several = {
      operations: [
        {
          operation: {
            $case: 'create_customer' as const,
            value: { email: 'one-of-several@example.com', password: 'one of several' },
          },
        },
      ],
      request_id: 'several',
    };
    const all = await test.client.call('mutateCustomers', several);
    const watch = watchHashing();
    watch.run.mockRejectedValue(new Error('was hashed'));
    try {
      expect(await test.client.call('createCustomer', create)).toEqual(created);
      expect(await test.client.call('updateCustomer', update)).toEqual(updated);
      expect(await test.client.call('mutateCustomers', several)).toEqual(all);
      const other = test.client.call('updateCustomer', { ...update, password: 'a third one' });
      expect(await test.client.refusal(other)).toMatchObject({ reason: 'REQUEST_ID_REUSED' });
    } finally {
      watch.restore();
    }
  });
});
