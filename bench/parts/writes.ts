import { setTimeout as delay } from 'node:timers/promises';
import { hash } from 'bcrypt';
import { besideFloor, fillCustomers } from '../beside-floor';
import { exportAll, exportBare, importAll, importBare } from '../bulk';
import { fill } from '../fill';
import type { Part } from '../part';
import { mean } from '../quantiles';
import { load, PRODUCT, residentMib, say, withClient, type Server, type Stage } from '../stage';

const LOGINS = 64;
const BARE_SECONDS = 20;

type Bench = Parameters<Part>[0];

/** Changes of what belongs to a customer. */
const changes = besideFloor({ AddAddress: 1.5, UpdateCustomer: 1.5, UpdateBillingAddress: 1.5 });

const startProduct = async (stage: Stage, name: string): Promise<{ server: Server; url: string }> => {
  const url = await stage.database(name);
  return { url, server: await stage.server('product', PRODUCT, { DATABASE_URL: url }) };
};

/** Resident memory of a server while work is done: in the first tenth of the time so far, and the most of all. */
const whileSampling = async <Result>(server: Server, work: () => Promise<Result>) => {
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(residentMib(server)), 200);
  const result = await work();
  clearInterval(timer);
  const early = Math.max(...samples.slice(0, Math.ceil(samples.length / 10)));
  return { result, memory: `${early} MiB in the first tenth, ${Math.max(...samples)} MiB at most` };
};

const line = (name: string, product: number, floor: number, goal: number, memory: string): string =>
  `| ${name} | ${Math.round(product)} | ${Math.round(floor)} | **${(product / floor).toFixed(2)}** (goal ${goal}) | ${memory} |`;

const importing = async ({ results, stage, settings: { rows } }: Bench): Promise<string> => {
  const floor = await results.once(`import bare`, async () => {
    const [theStage, name] = [await stage(), 'import_bare'];
    const url = await theStage.database(name);
    const rate = await withClient(url, (client) => importBare(client, rows, BARE_SECONDS));
    await theStage.drop(name);
    return rate;
  });
  const product = await results.once(`import ${rows}`, async () => {
    const [theStage, name] = [await stage(), 'import_product'];
    const { server } = await startProduct(theStage, name);
    const { result, memory } = await whileSampling(server, () => importAll(server.port, rows));
    if (result.failed > 0) say(`${result.failed} rows were refused`);
    await theStage.stop(server);
    await theStage.drop(name);
    return { rate: (rows - result.failed) / result.seconds, memory };
  });
  return line(`import of ${rows}`, product.rate, floor, 4, product.memory);
};

const exporting = async ({ results, stage, settings: { rows } }: Bench): Promise<string> => {
  const { product, floor, memory } = await results.once(`export ${rows}`, async () => {
    const [theStage, name] = [await stage(), 'export'];
    const { server, url } = await startProduct(theStage, name);
    const rates: { floor: number[]; product: number[] } = { floor: [], product: [] };
    let memory = '';
    await withClient(url, async (client) => {
      await fill(client, rows);
      await client.query('checkpoint');
      await exportBare(client);
      // By turns, so that both find the same of it in memory.
      for (let round = 0; round < 2; round += 1) {
        const sampled = await whileSampling(server, () => exportAll(server.port));
        ({ memory } = sampled);
        rates.product.push(sampled.result.customers / sampled.result.seconds);
        rates.floor.push(await exportBare(client));
      }
    });
    await theStage.stop(server);
    await theStage.drop(name);
    return { product: mean(rates.product), floor: mean(rates.floor), memory };
  });
  return line(`export of ${rows}`, product, floor, 0.8, memory);
};

/** A read while as many log in as hashing lets through. */
const logins = async ({ results, stage, settings: { seconds } }: Bench): Promise<string> => {
  const { idle, busy } = await results.once('logins', async () => {
    const [theStage, name] = [await stage(), 'logins'];
    const { server, url } = await startProduct(theStage, name);
    await withClient(url, async (client) => {
      await fillCustomers(client);
      const text = 'update customers set has_account = true, password_hash = $1, password_revision = 1';
      await client.query(text, [await hash('correct horse', 12)]);
    });
    const get = (run: string) => load(server, { rpc: 'GetCustomer', seconds: 3 * seconds, run, rate: 100 });
    await get('warm');
    const idle = await get('idle');
    const loggingIn = load(server, {
      rpc: 'AuthenticateCustomer',
      seconds: 3 * seconds + 4,
      run: 'l',
      inFlight: LOGINS,
    });
    // The start of the process that loads costs more than what it does then.
    await delay(2_000);
    const busy = await get('busy');
    await loggingIn;
    await theStage.stop(server);
    await theStage.drop(name);
    return { idle, busy };
  });
  return (
    `| GetCustomer while ${LOGINS} log in at cost 12 | p99 ${busy.p99} ms (p50 ${busy.p50}) | ` +
    `idle p99 ${idle.p99} ms (p50 ${idle.p50}) | **${(busy.p99 / idle.p99).toFixed(2)}** (goal: at most 3) | |`
  );
};

const BULK = { import: importing, export: exporting, logins } as const;

/** What writes, and what must not suffer from it. */
export const writes: Part = async (bench) => {
  const { settings, print } = bench;
  await changes(bench);
  const chosen = Object.entries(BULK).filter(([name]) => settings.only.length === 0 || settings.only.includes(name));
  if (chosen.length === 0) return;
  print('\n| | product, rows/s | bare loop, rows/s | times the bare loop | resident memory |');
  print('| --- | ---: | ---: | ---: | --- |');
  for (const [, section] of chosen) print(await section(bench));
};
