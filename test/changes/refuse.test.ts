import { eventsOf } from '../support/events';
import { startTestService, type TestService } from '../support/service';

let test: TestService;
beforeAll(async () => {
  test = await startTestService();
  // A first name of "refuse <SQLSTATE> <n>" is refused n times; what a sequence has counted no rollback takes back.
  await test.database.query(`
    create sequence tries;
    create function refuse() returns trigger language plpgsql as $$ begin
      if new.first_name like 'refuse %' and nextval('tries') <= split_part(new.first_name, ' ', 3)::int then
        raise exception 'refused' using errcode = split_part(new.first_name, ' ', 2);
      end if;
      return new;
    end $$;
    create trigger refuse before update on customers for each row execute function refuse()`);
});
afterAll(() => test.stop());
beforeEach(() => test.database.query('alter sequence tries restart'));

const tries = async () => {
  const rows = await test.database.query<{ tries: number }>('select last_value::int as tries from tries');
  return rows[0]!.tries;
};

let number = 0;
const newCustomer = async () => {
  number += 1;
  return (await test.client.call('createCustomer', { email: `refuse-${number}@example.com` })).customer!.id;
};

describe.each(['40001', '40P01', '55P03'])('a change that the database refuses with %s', (code) => {
  it('takes place when it is refused twice, as one event', async () => {
    const id = await newCustomer();
    const { customer } = await test.client.call('updateCustomer', { id, first_name: `refuse ${code} 2` });
    expect(customer?.revision).toBe(2);
    expect(await tries()).toBe(3);
    expect(await eventsOf(test.database, id)).toHaveLength(2);
  });

  it('is TRANSACTION_CONFLICT after three times, to be sent again, and has not taken place', async () => {
    const id = await newCustomer();
    const first_name = `refuse ${code} 3`;
    const operations = [{ operation: { $case: 'update_customer' as const, value: { id, first_name } } }];
    for (const call of [
      () => test.client.call('updateCustomer', { id, first_name, request_id: `conflict-${code}` }),
      () => test.client.call('mutateCustomers', { operations }),
    ]) {
      await test.database.query('alter sequence tries restart');
      expect(await test.client.refusal(call())).toMatchObject({
        code: 'ABORTED',
        reason: 'TRANSACTION_CONFLICT',
        metadata: {},
        retries: true,
      });
      expect(await tries()).toBe(3);
    }
    expect((await test.client.call('getCustomer', { id })).customer?.revision).toBe(1);
    expect(await eventsOf(test.database, id)).toHaveLength(1);
    const again = { id, first_name, request_id: `conflict-${code}` };
    expect((await test.client.call('updateCustomer', again)).customer?.revision).toBe(2);
  });
});
