import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BODIES, type Rpc } from './bodies';
import { quantiles } from './quantiles';
import { methodOf, openWire } from './wire';

/**
 * A process that loads a server with one rpc, and prints what it saw as one line of JSON: `in-flight` calls at all
 * times, or `rate` calls a second, whatever the answers take.
 */
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '50051' },
    rpc: { type: 'string', default: 'GetCustomer' },
    'in-flight': { type: 'string', default: '64' },
    connections: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '0' },
    /** Makes e-mails and request_ids of this run its own. */
    run: { type: 'string', default: 'run' },
  },
});

/** What a run of the load saw. Times in milliseconds, CPU in microseconds a call. */
export type LoadResult = {
  readonly calls: number;
  readonly errors: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuMicros: number;
};

const main = async (): Promise<void> => {
  const bodyOf = BODIES[values.rpc as Rpc](values.run);
  const method = methodOf(`/customer.v1.CustomerService/${values.rpc}`);
  const wires = await Promise.all(
    Array.from({ length: Number(values.connections) }, () => openWire(Number(values.port))),
  );
  const latencies: number[] = [];
  let errors = 0;
  let next = 0;
  let inFlight = 0;
  const cpu = process.cpuUsage();
  const started = performance.now();
  const until = started + Number(values.seconds) * 1_000;
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));

  const call = (wire: (typeof wires)[number] | undefined, then: () => void): void => {
    const from = performance.now();
    inFlight += 1;
    wire?.call(method, bodyOf(next++), (answer) => {
      inFlight -= 1;
      latencies.push(performance.now() - from);
      if (answer === undefined) errors += 1;
      then();
      if (inFlight === 0) finish();
    });
  };
  const again = (wire: (typeof wires)[number] | undefined): void => {
    if (performance.now() < until) call(wire, () => again(wire));
  };
  const rate = Number(values.rate);
  if (rate === 0) {
    for (let index = 0; index < Number(values['in-flight']); index += 1) again(wires[index % wires.length]);
  } else {
    for (let now = started; now < until; now = performance.now()) {
      const due = Math.floor(((now - started) / 1_000) * rate);
      while (next < due) call(wires[next % wires.length], () => undefined);
      await delay(1);
    }
    if (inFlight === 0) finish();
  }
  await finished;

  const seconds = (performance.now() - started) / 1_000;
  const used = process.cpuUsage(cpu);
  for (const wire of wires) wire.close();
  const result: LoadResult = {
    calls: latencies.length,
    errors,
    perSecond: Math.round(latencies.length / seconds),
    ...quantiles(latencies),
    cpuMicros: Math.round((used.user + used.system) / latencies.length),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
};

void main();
