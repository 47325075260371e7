import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { ListCustomersRequest, ListCustomersResponse } from '../../src/gen/customer/v1/customer';
import { logLogChart } from '../chart';
import { fill } from '../fill';
import type { Part } from '../part';
import { quantiles } from '../quantiles';
import { queriesOf, type Query } from '../queries';
import { PRODUCT, say, withClient, type Server, type Stage } from '../stage';
import { methodOf, openWire, type Wire } from '../wire';

/** At once, where it is measured how many calls a second are answered. */
const CALLERS = 4;
const DEPTH = 100_000;
/** Enough for a 99th percentile; slower queries get as many as the time allows. */
const MAX_CALLS = 4_000;

/** Milliseconds of a caller who is alone, over the calls that were answered; and how many a second are, of several. */
type Figure = { readonly p50: number; readonly p99: number; readonly failed: number; readonly perSecond: number };

const answerOf = (wire: Wire, { rpc, request }: Query, n: number): Promise<Buffer | undefined> =>
  new Promise((resolve) => {
    wire.call(methodOf(`/customer.v1.CustomerService/${rpc}`), request(n), resolve);
  });

/** The token of the page that begins at a depth of DEPTH, or of the middle of a smaller list. */
const deepToken = async (wire: Wire, customers: number): Promise<string> => {
  let page_token = '';
  for (let depth = 0; depth < Math.min(DEPTH, customers / 2); depth += 1_000) {
    const request = () =>
      ListCustomersRequest.encode(ListCustomersRequest.fromPartial({ page_size: 1_000, page_token })).finish();
    const answer = await answerOf(wire, { rpc: 'ListCustomers', request }, 0);
    if (answer === undefined) return 'there is none';
    page_token = ListCustomersResponse.decode(answer).next_page_token;
  }
  return page_token;
};

/** The latencies of what was answered to some callers, after a moment to warm up. */
const callFor = async (wires: readonly Wire[], query: Query, seconds: number) => {
  const latencies: number[] = [];
  let failed = 0;
  let next = 0;
  const caller = async (wire: Wire, until: number): Promise<void> => {
    while (performance.now() < until && next < MAX_CALLS) {
      const from = performance.now();
      const answer = await answerOf(wire, query, next++);
      if (answer === undefined) failed += 1;
      else latencies.push(performance.now() - from);
    }
  };
  const all = (duration: number) =>
    Promise.all(wires.map((wire) => caller(wire, performance.now() + duration * 1_000)));
  await all(Math.min(0.5, seconds / 4));
  latencies.length = failed = next = 0;
  const from = performance.now();
  await all(seconds);
  return { latencies, failed, perSecond: Math.round((1_000 * latencies.length) / (performance.now() - from)) };
};

const measure = async (wires: readonly Wire[], query: Query, seconds: number): Promise<Figure> => {
  const alone = await callFor(wires.slice(0, 1), query, seconds);
  const { perSecond, failed } = await callFor(wires, query, seconds / 2);
  return { ...quantiles(alone.latencies), failed: alone.failed + failed, perSecond };
};

/** Has customers in PostgreSQL's memory and their indexes in the system's, as in a database that is used. */
const warmUp = async (client: Client): Promise<void> => {
  await client.query('create extension if not exists pg_prewarm');
  await client.query(
    `select pg_prewarm(oid::regclass, case relname when 'customers' then 'buffer' else 'read' end) from pg_class
      where relkind in ('r', 'i') and relname ~ '^customer(s|_group_members)(_|$)'`,
  );
};

type Database = { readonly server: Server; readonly queries: ReturnType<typeof queriesOf>; readonly wires: Wire[] };

const prepare = async (stage: Stage, customers: number): Promise<Database> => {
  const DATABASE_URL = await stage.filled(`reads_${customers}`, async (client) => {
    const from = Date.now();
    await fill(client, customers);
    say(`${customers} customers filled in ${Math.round((Date.now() - from) / 1_000)} s`);
  });
  await withClient(DATABASE_URL, warmUp);
  const server = await stage.server('product', PRODUCT, { DATABASE_URL, RELAY: 'off' });
  const wires = await Promise.all(Array.from({ length: CALLERS }, () => openWire(server.port)));
  const token = wires[0] === undefined ? '' : await deepToken(wires[0], customers);
  return { server, wires, queries: queriesOf(customers, token) };
};

const short = (customers: number): string => customers.toLocaleString('en').replaceAll(',', ' ');
const cell = ({ p50, p99, perSecond }: Figure): string =>
  perSecond === 0 ? '— | — | —' : `${p50} | ${p99} | ${perSecond}`;

/** What each kind of read costs among ever more customers. One database at a time, so that all memory is its own. */
export const reads: Part = async ({ settings: { sizes, seconds, only }, results, stage, print, chart }) => {
  const names = Object.keys(queriesOf(10, '')).filter((name) => only.length === 0 || only.includes(name));
  const figures = new Map<string, Figure[]>(names.map((name) => [name, []]));
  for (const customers of sizes) {
    let database: Database | undefined;
    for (const name of names) {
      const figure = await results.once(`${customers} ${name}`, async () => {
        database ??= await prepare(await stage(), customers);
        const query = database.queries[name];
        if (query === undefined) throw new Error(`no query ${name}`);
        return measure(database.wires, query, seconds);
      });
      figures.get(name)?.push(figure);
      say(
        `${customers} ${name}: p50 ${figure.p50} ms, p99 ${figure.p99} ms, ${figure.perSecond} calls/s, ${figure.failed} failed`,
      );
    }
    if (database === undefined) continue;
    for (const wire of database.wires) wire.close();
    await (await stage()).stop(database.server);
    await delay(200);
    await (await stage()).drop(`reads_${customers}`);
  }
  print(
    `Milliseconds through gRPC of one caller at a time, and how many calls a second ${CALLERS} callers are answered; pages of 50 customers, the deep page at ${short(DEPTH)} or half-way.\n`,
  );
  print(`| | ${sizes.map((size) => `${short(size)} p50 | p99 | /s`).join(' | ')} |`);
  print(`| --- | ${sizes.map(() => '---: | ---: | ---:').join(' | ')} |`);
  for (const [name, row] of figures) print(`| ${name} | ${row.map(cell).join(' | ')} |`);
  const series = [...figures].map(([name, row]) => ({
    name,
    points: row.map(({ p50 }, index) => [sizes[index] ?? 0, p50] as const),
  }));
  chart('reads', logLogChart(series, { title: 'What a read costs', x: 'customers', y: 'p50, ms' }));
  print('\n![cost against number of customers](benchmarks/reads.svg)');
};
