import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

describe('GetCustomer', () => {
  it('narrows the answer by the mask, id and revision always', async () => {
    const { customer } = await test.client.call('createCustomer', { email: 'mask@example.com', first_name: 'Anna' });
    const masked = await test.client.call('getCustomer', { id: customer!.id, read_mask: ['first_name'] });
    const { id, revision, first_name, ...rest } = masked.customer!;
    expect({ id, revision, first_name }).toEqual({ id: customer!.id, revision: 1, first_name: 'Anna' });
    const { email, has_account, metadata, created_at, updated_at } = rest;
    expect({ email, has_account, metadata, created_at, updated_at }).toEqual({ email: '', has_account: false });
  });

  it('names every unknown path of a mask and a bad id', async () => {
    const call = test.client.call('getCustomer', { id: 'cus_x', read_mask: ['email', 'password', 'metadata.a'] });
    expect(await test.client.refusal(call)).toMatchObject({
      code: 'INVALID_ARGUMENT',
      fields: ['id', 'read_mask', 'read_mask'],
    });
  });

  it('answers hundreds at once', async () => {
    const created = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        test.client.call('createCustomer', { email: `many-${index}@example.com` }),
      ),
    );
    const ids = created.map(({ customer }) => customer!.id);
    const answers = await Promise.all([...ids, ...ids, ...ids].map((id) => test.client.call('getCustomer', { id })));
    expect(answers.map(({ customer }) => customer!.id)).toEqual([...ids, ...ids, ...ids]);
  });
});
