import { startTestService, type TestService } from './support/service';
import { until } from './support/until';

let test: TestService;
beforeAll(async () => (test = await startTestService({ env: { HTTP_PORT: '0' } })));
afterAll(() => test.stop());

const url = (path: string): string => `http://127.0.0.1:${test.service.httpPort}${path}`;

/** Every series by its name and labels. */
const scrape = async (): Promise<Readonly<Record<string, number>>> => {
  const text = await (await fetch(url('/metrics'))).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.replace(/ \S+$/, ''), Number(/ (\S+)$/.exec(line)?.[1])]));
};

const PERSONAL = {
  email: 'geheim@example.com',
  first_name: 'Geheima',
  last_name: 'Verborgen',
  phone: '+49 30 1234567',
  password: 'ein geheimes Wort',
  metadata: { note: 'Vertraulich' },
};

it('counts and times every call, every batch and what waits', async () => {
  const method = '/customer.v1.CustomerService/CreateCustomer';
  for (let n = 0; n < 3; n += 1) await test.client.call('createCustomer', { email: `counted-${n}@example.com` });
  await test.client.refusal(test.client.call('createCustomer', { email: 'counted-0@example.com' }));
  await test.client.refusal(test.client.call('createCustomer', { email: '' }));
  await until(async () => (await scrape())['event_log_head'] === 3);
  const series = await scrape();
  expect(series).toMatchObject({
    [`grpc_calls_total{method="${method}",code="OK"}`]: 3,
    [`grpc_calls_total{method="${method}",code="ALREADY_EXISTS"}`]: 1,
    [`grpc_calls_total{method="${method}",code="INVALID_ARGUMENT"}`]: 1,
    [`grpc_calls_in_flight{method="${method}"}`]: 0,
    [`grpc_call_seconds_count{method="${method}"}`]: 5,
    change_queue_length: 0,
    change_batches_running: 0,
    changes_total: 4,
    change_batch_size_sum: 4,
    change_wait_seconds_count: 4,
    password_queue_length: 0,
    database_pool_waiting: 0,
    event_outbox_pending: 0,
    'event_sink_position{sink="kafka"}': 0,
    'event_sink_dead_letters{sink="kafka"}': 0,
  });
  expect(series['event_sink_lag_seconds{sink="kafka"}']).toBeGreaterThan(0);
  expect(series['database_pool_free']! + series['database_pool_used']!).toBeGreaterThan(0);
});

it('writes one JSON line a call, by which it can be found again, and nothing personal', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const before = test.logs.length;
  const { customer } = await test.client.call('createCustomer', PERSONAL, { headers: { traceparent } });
  await test.client.refusal(test.client.call('createCustomer', PERSONAL));
  await test.client.call('authenticateCustomer', { email: PERSONAL.email, password: PERSONAL.password });
  await test.client.refusal(test.client.call('updateCustomer', { id: customer!.id, email: `${PERSONAL.email}@@` }));
  const lines = test.logs.slice(before).map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  const calls = lines.filter(({ msg }) => msg === 'call');
  expect(calls.map(({ method, code }) => [String(method).split('/')[2], code])).toEqual([
    ['CreateCustomer', 'OK'],
    ['CreateCustomer', 'ALREADY_EXISTS'],
    ['AuthenticateCustomer', 'OK'],
    ['UpdateCustomer', 'INVALID_ARGUMENT'],
  ]);
  expect(calls[0]).toMatchObject({
    level: 30,
    ms: expect.any(Number),
    caller: '',
    call_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
  });
  const everything = `${test.logs.join('')}${await (await fetch(url('/metrics'))).text()}`;
  for (const secret of ['geheim', 'Geheima', 'Verborgen', '1234567', 'geheimes', 'Vertraulich']) {
    expect(everything.toLowerCase()).not.toContain(secret.toLowerCase());
  }
});

it('answers probes, and 404 for anything else', async () => {
  const status = async (path: string): Promise<number> => (await fetch(url(path))).status;
  expect(await Promise.all(['/livez', '/readyz', '/metrics', '/', '/metrics/x'].map(status))).toEqual([
    200, 200, 200, 404, 404,
  ]);
});
