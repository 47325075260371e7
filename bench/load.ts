import { connect, type ClientHttp2Session } from 'node:http2';
import { parseArgs } from 'node:util';
import { CreateCustomerRequest, GetCustomerRequest, UpdateCustomerRequest } from '../src/gen/customer/v1/customer';

/**
 * Drives unary calls with bodies that are encoded beforehand, over bare HTTP/2, so that it costs less than the server.
 * Prints one line of JSON.
 */
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '50051' },
    rpc: { type: 'string', default: 'get' },
    'in-flight': { type: 'string', default: '64' },
    connections: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '5' },
    /** Makes e-mails and request_ids of this run its own. */
    run: { type: 'string', default: 'run' },
  },
});

/** The ids that the bench fills its databases with. */
const CUSTOMERS = 10_000;
const idOf = (n: number): string => `cus_${String(n % CUSTOMERS).padStart(26, '0')}`;

const frame = (message: Uint8Array): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

/** A number of seven digits that stands in a body and is counted up in place. */
const NUMBER = '9999999';

const counted = (body: Buffer): ((n: number) => Buffer) => {
  const places: number[] = [];
  for (let at = body.indexOf(NUMBER); at !== -1; at = body.indexOf(NUMBER, at + 1)) places.push(at);
  return (n) => {
    const copy = Buffer.from(body);
    const digits = String(n).padStart(NUMBER.length, '0');
    for (const place of places) copy.write(digits, place, 'latin1');
    return copy;
  };
};

const bodies = {
  get: (): ((n: number) => Buffer) => {
    const all = Array.from({ length: CUSTOMERS }, (_, n) =>
      frame(GetCustomerRequest.encode(GetCustomerRequest.fromPartial({ id: idOf(n * 7_919) })).finish()),
    );
    return (n) => all[n % CUSTOMERS] ?? Buffer.alloc(0);
  },
  create: (): ((n: number) => Buffer) =>
    counted(
      frame(
        CreateCustomerRequest.encode(
          CreateCustomerRequest.fromPartial({
            email: `${values.run}-x${NUMBER}@example.com`,
            first_name: 'Anna',
            last_name: 'Jensen',
            phone: '+45 12 34 56 78',
            metadata: { source: 'bench', visits: 3 },
            request_id: `${values.run}-x${NUMBER}`,
          }),
        ).finish(),
      ),
    ),
  update: (): ((n: number) => Buffer) => {
    const all = Array.from({ length: CUSTOMERS }, (_, n) =>
      counted(
        frame(
          UpdateCustomerRequest.encode(
            UpdateCustomerRequest.fromPartial({
              id: idOf(n * 7_919),
              first_name: `Anna x${NUMBER}`,
              metadata: { visits: n },
              request_id: `${values.run}-x${NUMBER}`,
            }),
          ).finish(),
        ),
      ),
    );
    return (n) => all[n % CUSTOMERS]?.(n) ?? Buffer.alloc(0);
  },
} as const;

const PATHS = { get: 'GetCustomer', create: 'CreateCustomer', update: 'UpdateCustomer' } as const;
const rpc = values.rpc as keyof typeof PATHS;
const headers = {
  ':method': 'POST',
  ':path': `/customer.v1.CustomerService/${PATHS[rpc]}`,
  'content-type': 'application/grpc',
  te: 'trailers',
};

const call = (session: ClientHttp2Session, body: Buffer): Promise<string> =>
  new Promise((resolve) => {
    const stream = session.request(headers);
    let status = 'lost';
    const read = (fields: Readonly<Record<string, unknown>>): void => {
      if (typeof fields['grpc-status'] === 'string') status = fields['grpc-status'];
    };
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('error', () => undefined);
    stream.on('close', () => resolve(status));
    stream.resume();
    stream.end(body);
  });

const main = async (): Promise<void> => {
  const bodyOf = bodies[rpc]();
  const sessions = Array.from({ length: Number(values.connections) }, () => connect(`http://127.0.0.1:${values.port}`));
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  let next = 0;
  const started = performance.now();
  const until = started + Number(values.seconds) * 1_000;
  const cpu = process.cpuUsage();
  const caller = async (index: number): Promise<void> => {
    const session = sessions[index % sessions.length];
    while (session !== undefined && performance.now() < until) {
      const body = bodyOf(next++);
      const from = performance.now();
      const status = await call(session, body);
      latencies.push(performance.now() - from);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: Number(values['in-flight']) }, (_, index) => caller(index)));
  const seconds = (performance.now() - started) / 1_000;
  const used = process.cpuUsage(cpu);
  for (const session of sessions) session.close();
  latencies.sort((a, b) => a - b);
  const quantile = (q: number): number => Number((latencies[Math.floor(latencies.length * q)] ?? 0).toFixed(2));
  const calls = latencies.length;
  process.stdout.write(
    `${JSON.stringify({
      calls,
      perSecond: Math.round(calls / seconds),
      p50: quantile(0.5),
      p99: quantile(0.99),
      statuses,
      clientCpuMicros: Math.round((used.user + used.system) / calls),
    })}\n`,
  );
};

void main();
