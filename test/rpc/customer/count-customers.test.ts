import { CustomerFilter_Deleted } from '../../../src/gen/customer/v1/customer';
import { startTestService, type TestService } from '../../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

const count = async (request: Parameters<typeof test.client.call<'countCustomers'>>[1]) =>
  (await test.client.call('countCustomers', request)).count;

describe('CountCustomers', () => {
  it('counts those alive, or whom the filter finds', async () => {
    expect(await count({})).toBe(0);
    const ids: string[] = [];
    for (const [index, first_name] of ['Anna', 'Bo', 'Anna', 'Zoë', 'Anna'].entries()) {
      const request = { email: `c${index}@example.com`, first_name, metadata: { odd: index % 2 === 1 } };
      ids.push((await test.client.call('createCustomer', request)).customer!.id);
    }
    await test.client.call('deleteCustomer', { id: ids[0]! });
    await test.client.call('eraseCustomer', { id: ids[1]! });
    expect(await count({})).toBe(3);
    expect(await count({ filter: {} })).toBe(3);
    expect(await count({ filter: { q: 'ANNA' } })).toBe(2);
    expect(await count({ filter: { q: 'anna', deleted: CustomerFilter_Deleted.DELETED_INCLUDE } })).toBe(3);
    expect(await count({ filter: { deleted: CustomerFilter_Deleted.DELETED_ONLY } })).toBe(1);
    expect(await count({ filter: { metadata: { odd: true } } })).toBe(1);
    expect(await count({ filter: { q: 'nobody' } })).toBe(0);
  });

  it('names the faults of a filter', async () => {
    const refusal = await test.client.refusal(count({ filter: { ids: ['x'], phone: { contains: 'ab' } } }));
    expect(refusal).toMatchObject({ reason: 'INVALID_REQUEST', fields: ['filter.ids[0]', 'filter.phone.contains'] });
  });
});
