import type { Client } from 'pg';
import { searchText } from '../src/models/fold';
import { CUSTOMERS, idOf, type Rpc } from './bodies';
import type { Part } from './part';
import { mean } from './quantiles';
import { ALONE, cpuMicros, FLOOR, load, PRODUCT, say, withClient, type Server, type Stage } from './stage';

/** The same customers in each database: they differ in their e-mails, and in what search_text makes of these. */
const FILL = `insert into customers (id, email, first_name, last_name, phone, phone_key, metadata, first_name_folded,
    last_name_folded, phone_folded, search_text, revision, created_at, updated_at, occurred_at)
  select id, email, 'Anna', 'Jensen', '+4512345678', '+4512345678', '{"source":"fill"}', 'anna', 'jensen', '+4512345678',
         search_text, 1, now(), now(), now()
    from unnest($1::text[], $2::text[], $3::text[]) filled (id, email, search_text)`;

type Sample = {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly serverMicros: number;
  readonly loadMicros: number;
  readonly errors: number;
};

/** Until all code that is often run is compiled. */
const WARM_SECONDS = 10;

type Start = { readonly args: readonly string[]; readonly env?: Readonly<Record<string, string>> };

/** What is loaded. The floor puts an event into the outbox and leaves it there, as the product does without its relay. */
const SERVERS = {
  floor: { args: FLOOR },
  product: { args: PRODUCT },
  'product, relay off': { args: PRODUCT, env: { RELAY: 'off' } },
  'grpc-js alone': { args: ALONE },
} as const satisfies Readonly<Record<string, Start>>;
type Name = keyof typeof SERVERS;

export const fillCustomers = async (client: Client): Promise<void> => {
  const numbers = Array.from({ length: CUSTOMERS }, (_, n) => n);
  const emails = numbers.map((n) => `filled-${n}@example.com`);
  const texts = emails.map((email) =>
    searchText({ email, first_name: 'Anna', last_name: 'Jensen', phone: '+4512345678' }),
  );
  await client.query(FILL, [numbers.map(idOf), emails, texts]);
  await client.query('vacuum analyze');
};

const startServer = async (stage: Stage, name: Name): Promise<Server> => {
  const { args, env }: Start = SERVERS[name];
  const DATABASE_URL = await stage.database(`bench_${name.replace(/\W+/g, '_')}`);
  await withClient(DATABASE_URL, fillCustomers);
  return stage.server(name, args, { DATABASE_URL, ...env });
};

const line = (rpc: Rpc, name: Name, samples: readonly Sample[], ratio: string): string =>
  `| ${[
    rpc,
    name,
    Math.round(mean(samples.map((s) => s.perSecond))),
    mean(samples.map((s) => s.p50)).toFixed(1),
    mean(samples.map((s) => s.p99)).toFixed(1),
    Math.round(mean(samples.map((s) => s.serverMicros))),
    Math.round(mean(samples.map((s) => s.loadMicros))),
    samples.reduce((sum, s) => sum + s.errors, 0),
    ratio,
  ].join(' | ')} |`;

/**
 * Rpcs of the product beside the bare floor, in rounds that take turns, so that what drifts on the machine drifts for
 * all. `goals`: at least how many times the floor's calls per second; `also`: what else is put beside them.
 */
export const besideFloor =
  (goals: Partial<Record<Rpc, number>>, also: readonly Name[] = []): Part =>
  async ({ settings, results, stage, print }) => {
    const { seconds, rounds, inFlight, only } = settings;
    const names: readonly Name[] = ['floor', 'product', ...also];
    const servers = new Map<Name, Promise<Server>>();
    const serverOf = async (name: Name): Promise<Server> => {
      const server = servers.get(name) ?? stage().then((theStage) => startServer(theStage, name));
      servers.set(name, server);
      return server;
    };

    const warm = new Set<string>();
    const measure = async (rpc: Rpc, name: Name, round: number): Promise<Sample> => {
      const server = await serverOf(name);
      if (!warm.has(`${rpc} ${name}`)) {
        warm.add(`${rpc} ${name}`);
        await load(server, { rpc, seconds: WARM_SECONDS, inFlight, run: `${rpc}-warm` });
      }
      const before = cpuMicros(server);
      const result = await load(server, { rpc, seconds, inFlight, run: `${rpc}-${round}` });
      say(`${rpc} ${name} ${round}: ${result.perSecond}/s`);
      return {
        perSecond: result.perSecond,
        p50: result.p50,
        p99: result.p99,
        serverMicros: Math.round((cpuMicros(server) - before) / result.calls),
        loadMicros: result.cpuMicros,
        errors: result.errors,
      };
    };

    const chosen = (Object.entries(goals) as [Rpc, number][]).filter(
      ([rpc]) => only.length === 0 || only.includes(rpc),
    );
    if (chosen.length === 0) return;
    print(`${inFlight} calls in flight, ${rounds} rounds of ${seconds} s each, all servers by turns.\n`);
    print('| rpc | server | calls/s | p50 ms | p99 ms | server CPU µs | load CPU µs | errors | times the floor |');
    print('| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
    for (const [rpc, goal] of chosen) {
      const samples = new Map<Name, Sample[]>(names.map((name) => [name, []]));
      for (let round = 0; round < rounds; round += 1) {
        for (const name of names) {
          samples.get(name)?.push(await results.once(`${rpc} ${name} ${round}`, () => measure(rpc, name, round)));
        }
      }
      const perSecond = (name: Name): number => mean((samples.get(name) ?? []).map((sample) => sample.perSecond));
      for (const name of names) {
        const ratio = (perSecond(name) / perSecond('floor')).toFixed(2);
        const isProduct = name.startsWith('product');
        print(line(rpc, name, samples.get(name) ?? [], isProduct ? `**${ratio}** (goal ${goal})` : ratio));
      }
    }
  };
