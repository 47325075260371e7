import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

const UNKNOWN = 'cus_01HZZZZZZZZZZZZZZZZZZZZZZZ';

describe('BatchGetCustomers', () => {
  it('answers in the order asked and names the missing ones', async () => {
    const ids: string[] = [];
    for (const name of ['x', 'y', 'z']) {
      ids.push((await test.client.call('createCustomer', { email: `${name}@example.com` })).customer!.id);
    }
    const [x, y, z] = ids as [string, string, string];
    await test.client.call('deleteCustomer', { id: y });
    const answer = await test.client.call('batchGetCustomers', { ids: [z, UNKNOWN, x, y, z], read_mask: ['email'] });
    expect(answer.customers.map(({ id, email }) => [id, email])).toEqual([
      [z, 'z@example.com'],
      [x, 'x@example.com'],
      [z, 'z@example.com'],
    ]);
    expect(answer.missing_ids).toEqual([UNKNOWN, y]);
    expect(answer.customers[0]?.created_at).toBeUndefined();
  });

  it('refuses none, 1,001 and bad ids, each by its place', async () => {
    const refusal = (ids: readonly string[]) => test.client.refusal(test.client.call('batchGetCustomers', { ids }));
    expect(await refusal([])).toMatchObject({ fields: ['ids'] });
    expect(await refusal(Array.from({ length: 1_001 }, () => UNKNOWN))).toMatchObject({ fields: ['ids'] });
    expect(await refusal([UNKNOWN, 'cus_1', '', UNKNOWN])).toMatchObject({ fields: ['ids[1]', 'ids[2]'] });
    expect((await test.client.call('batchGetCustomers', { ids: Array(1_000).fill(UNKNOWN) })).missing_ids).toHaveLength(
      1_000,
    );
  });
});
