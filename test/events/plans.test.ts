import { setTimeout as delay } from 'node:timers/promises';
import { describeKafka } from '../support/kafka';
import { startTestService, type TestService } from '../support/service';

let test: TestService;

describeKafka('the way of an event', () => {
  beforeAll(async () => (test = await startTestService({ kafka: true })));
  afterAll(() => test.stop());

  it('never reads outbox or log through, though its plans are made while every table is empty and then kept', async () => {
    for (let n = 1; n <= 5; n += 1) await test.client.call('createCustomer', { email: `planned-${n}@example.com` });
    const arrived = async (): Promise<boolean> => {
      const cursors = await test.database.query<{ position: string }>('select position from event_cursors');
      return cursors.every(({ position }) => position === '5');
    };
    while (!(await arrived())) await delay(50);
    // A connection tells of its scans once a second.
    await delay(2_500);
    const scans = await test.database.query(
      `select relname, seq_scan::int from pg_stat_user_tables
        where relname in ('customer_outbox', 'customer_events') order by relname`,
    );
    expect(scans).toEqual([
      { relname: 'customer_events', seq_scan: 0 },
      { relname: 'customer_outbox', seq_scan: 0 },
    ]);
  });
});
