import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { Client, credentials } from '@grpc/grpc-js';
import { Kafka, logLevel } from 'kafkajs';
import { startKafka } from '../../dev/kafka';
import { freePort } from '../../dev/run';
import { CustomerEventServiceService, EventItem } from '../../src/gen/customer/v1/customer_event';
import { fillCustomers } from '../beside-floor';
import { fillLog } from '../log';
import type { Part, Settings } from '../part';
import { quantiles } from '../quantiles';
import { cpuMicros, load, PRODUCT, RELAY, residentMib, say, withClient, type Server, type Stage } from '../stage';

const TOPIC = 'customer.events';
const STATE_EVENTS = 200_000;
const WATCHERS = 100;
const RATE = { latency: 500, watch: 200 } as const;

let kafka: Promise<string> | undefined;

/** Real Kafka, started once; gone with the stage. */
const brokersOf = (stage: Stage): Promise<string> =>
  (kafka ??= (async () => {
    const libDir = join(__dirname, '../../.data/kafka/lib');
    const broker = await startKafka({ dataDir: join(stage.dir, 'kafka'), libDir, port: await freePort(), say });
    stage.undo(broker.stop);
    return broker.brokers;
  })());

type Drained = {
  readonly perSecond: number;
  readonly cpuMicros: number;
  /** Resident memory in MiB: while the first tenth went out, and the most after that. */
  readonly residentEarly: number;
  readonly residentMost: number;
};

const positionOf = (url: string, sink: string): Promise<number> =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ position: string }>('select position from event_cursors where name = $1', [
      sink,
    ]);
    return Number(rows[0]?.position);
  });

/** How fast one sink carries a log that is there already; the other one has nothing to do. */
const drain = async (stage: Stage, sink: 'kafka' | 'kafka-state', events: number): Promise<Drained> => {
  const name = `events_${sink.replace('-', '_')}`;
  const url = await stage.database(name);
  await withClient(url, async (client) => {
    await fillLog(client, events);
    await client.query(`update event_cursors set position = $1 where name not in ('log', $2)`, [events, sink]);
  });
  const brokers = await brokersOf(stage);
  // A topic prefix of its own: nothing that is there already slows it down.
  const env = {
    DATABASE_URL: url,
    KAFKA_BROKERS: brokers,
    KAFKA_CREATE_TOPICS: 'true',
    KAFKA_TOPIC_PREFIX: `${name}.`,
  };
  const relay = await stage.server('relay', RELAY, env, { listens: false });
  while ((await positionOf(url, sink)) === 0) await delay(20);
  const begin = { at: performance.now(), position: await positionOf(url, sink), cpu: cpuMicros(relay) };
  let [early, most] = [0, 0];
  let position = begin.position;
  while (position < events) {
    await delay(100);
    position = await positionOf(url, sink);
    if (position <= events / 10) early = Math.max(early, residentMib(relay));
    else most = Math.max(most, residentMib(relay));
  }
  const carried = events - begin.position;
  const drained = {
    perSecond: Math.round(carried / ((performance.now() - begin.at) / 1_000)),
    cpuMicros: Math.round((cpuMicros(relay) - begin.cpu) / carried),
    residentEarly: early,
    residentMost: most,
  };
  await stage.stop(relay);
  await stage.drop(name);
  return drained;
};

const startProduct = async (
  stage: Stage,
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly product: Server; readonly url: string }> => {
  const url = await stage.database(name);
  await withClient(url, fillCustomers);
  return { product: await stage.server('product', PRODUCT, { DATABASE_URL: url, ...env }), url };
};

type Latency = { readonly p50: number; readonly p99: number; readonly events: number; readonly perSecond: number };

/** When the transaction that last wrote a customer was committed, by customer and revision; milliseconds since the epoch. */
const commitsOf = (url: string): Promise<Map<string, number>> =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ event: string; at: number }>(
      `select id || ':' || revision as event, extract(epoch from pg_xact_commit_timestamp(xmin))::float8 * 1000 as at
         from customers where revision > 1`,
    );
    return new Map(rows.map(({ event, at }) => [event, at]));
  });

/** From the commit until a consumer has the event in its hands; of the last change of each customer. */
const latency = async (stage: Stage, seconds: number): Promise<Latency> => {
  const brokers = await brokersOf(stage);
  const prefix = 'latency.';
  const { product, url } = await startProduct(stage, 'events_latency', {
    KAFKA_BROKERS: brokers,
    KAFKA_CREATE_TOPICS: 'true',
    KAFKA_TOPIC_PREFIX: prefix,
  });
  await load(product, { rpc: 'UpdateCustomer', seconds: 1, run: 'warm', rate: 50 });
  const consumer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).consumer({
    groupId: 'bench',
    maxWaitTimeInMs: 1_000,
  });
  const arrivals = new Map<string, number>();
  await consumer.connect();
  await consumer.subscribe({ topics: [`${prefix}${TOPIC}`], fromBeginning: false });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.run({
    // kafkajs would commit its offsets after every handful of messages, and wait for that.
    autoCommit: false,
    eachMessage: ({ message: { headers = {} } }) => {
      arrivals.set(String(headers['ce_id']), Date.now());
      return Promise.resolve();
    },
  });
  await joined;
  await load(product, { rpc: 'UpdateCustomer', seconds, run: 'warm-2', rate: RATE.latency });
  await delay(1_000);
  arrivals.clear();
  const { calls, perSecond } = await load(product, { rpc: 'UpdateCustomer', seconds, run: 'l', rate: RATE.latency });
  for (let waited = 0; arrivals.size < calls && waited < 10_000; waited += 100) await delay(100);
  const commits = await commitsOf(url);
  await consumer.disconnect();
  await stage.stop(product);
  await stage.drop('events_latency');
  const latencies = [...arrivals].flatMap(([event, at]) => {
    const committed = commits.get(event);
    return committed === undefined ? [] : [Math.round(10 * (at - committed)) / 10];
  });
  return { ...quantiles(latencies), events: arrivals.size, perSecond };
};

type Watched = {
  readonly delivered: number;
  readonly expected: number;
  /** Milliseconds from decision to watcher, in the first and in the last third. */
  readonly first: { readonly p50: number; readonly p99: number };
  readonly last: { readonly p50: number; readonly p99: number };
  readonly cpuMicros: number;
};

/** When the first item of a WatchEventsResponse was decided, and how many there are; decoding all would cost too much. */
const glance = (bytes: Uint8Array): { readonly count: number; readonly decidedAt: number } => {
  const reader = new BinaryReader(bytes);
  let [count, decidedAt] = [0, 0];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field !== 1 || count > 0) reader.skip(wireType);
    else {
      const { event } = EventItem.decode(reader.bytes());
      const { seconds = 0, nanos = 0 } = (event?.$case === 'customer_event' && event.value.occurred_at) || {};
      decidedAt = seconds * 1_000 + nanos / 1e6;
    }
    if (field === 1) count += 1;
  }
  return { count, decidedAt };
};

type Seen = { readonly at: number; readonly lag: number };

/** Starts a watcher on a connection of its own; resolves once it watches. */
const startWatcher = async (port: number, see: (seen: Seen | undefined, count: number) => void) => {
  const { path, requestSerialize } = CustomerEventServiceService.watchEvents;
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  const request = { start: { $case: 'now' as const, value: true }, aggregate_ids: [], types: [] };
  const stream = client.makeServerStreamRequest(path, requestSerialize, glance, request);
  await new Promise<void>((resolve, reject) => {
    stream.on('error', reject);
    stream.on('data', ({ count, decidedAt }: ReturnType<typeof glance>) => {
      const at = Date.now();
      see(count === 0 ? undefined : { at, lag: at - decidedAt }, count);
      resolve();
    });
  });
  return () => {
    stream.on('error', () => undefined);
    stream.cancel();
    client.close();
  };
};

/** Many watchers of everything; what they cost is told from the same load without them. */
const watch = async (stage: Stage, seconds: number): Promise<Watched> => {
  const { product } = await startProduct(stage, 'events_watch', {});
  const send = (run: string) => load(product, { rpc: 'UpdateCustomer', seconds, run, rate: RATE.watch });
  await send('warm');
  const before = cpuMicros(product);
  await send('alone');
  const alone = cpuMicros(product) - before;

  const seen: Seen[] = [];
  let delivered = 0;
  const watchers = await Promise.all(
    Array.from({ length: WATCHERS }, () =>
      startWatcher(product.port, (one, count) => {
        delivered += count;
        if (one !== undefined) seen.push(one);
      }),
    ),
  );
  const from = { at: Date.now(), cpu: cpuMicros(product) };
  const { calls } = await send('watched');
  const third = (Date.now() - from.at) / 3;
  const expected = calls * WATCHERS;
  for (let waited = 0; delivered < expected && waited < 20_000; waited += 50) await delay(50);
  const watched = cpuMicros(product) - from.cpu;
  for (const stop of watchers) stop();
  await stage.stop(product);
  await stage.drop('events_watch');
  const lags = (begin: number, end: number) =>
    quantiles(seen.filter(({ at }) => at >= from.at + begin && at < from.at + end).map(({ lag }) => lag));
  return {
    delivered,
    expected,
    first: lags(0, third),
    last: lags(2 * third, Infinity),
    cpuMicros: Math.round((10 * (watched - alone)) / expected) / 10,
  };
};

const drainedLine = (
  name: string,
  events: number,
  { perSecond, cpuMicros: cpu, residentEarly, residentMost }: Drained,
) =>
  `| ${name}, ${events} events | ${perSecond} events/s | ${cpu} µs CPU an event, ${residentEarly} MiB resident at first, ${residentMost} MiB at most after |`;

type Section = (bench: Parameters<Part>[0], settings: Settings) => Promise<string>;

const SECTIONS: Readonly<Record<string, Section>> = {
  sink: async ({ results, stage }, { events }) => {
    const drained = await results.once(`sink ${events}`, async () => drain(await stage(), 'kafka', events));
    return drainedLine('log to event topics', events, drained);
  },
  state: async ({ results, stage }, { events }) => {
    const some = Math.min(events, STATE_EVENTS);
    const drained = await results.once(`state ${some}`, async () => drain(await stage(), 'kafka-state', some));
    return drainedLine('log to state topic', some, drained);
  },
  latency: async ({ results, stage }, { seconds }) => {
    const found = await results.once('latency', async () => latency(await stage(), 3 * seconds));
    return `| commit to Kafka consumer, ${found.perSecond} changes/s | p50 ${found.p50} ms, p99 ${found.p99} ms | ${found.events} events |`;
  },
  watch: async ({ results, stage }, { seconds }) => {
    const {
      delivered,
      expected,
      first,
      last,
      cpuMicros: cpu,
    } = await results.once('watch', async () => watch(await stage(), 3 * seconds));
    return `| change to ${WATCHERS} watchers, ${RATE.watch} changes/s | p50 ${first.p50} ms, p99 ${first.p99} ms in the first third; p50 ${last.p50} ms, p99 ${last.p99} ms in the last | ${delivered} of ${expected} delivered, ${cpu} µs CPU each |`;
  },
};

/** The way of an event: how fast, how late, at what cost. */
export const events: Part = async (bench) => {
  const { settings, print } = bench;
  print('| | | |\n| --- | --- | --- |');
  for (const [name, section] of Object.entries(SECTIONS)) {
    if (settings.only.length > 0 && !settings.only.includes(name)) continue;
    print(await section(bench, settings));
  }
};
