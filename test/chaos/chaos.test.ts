import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { whyNoKafka } from '../../dev/kafka';
import { check } from './check';
import { conduct } from './conduct';
import { gather } from './gather';
import { createLedger, type Ledger } from './ledger';
import { startLoad } from './load';
import { createRandom } from './random';
import { startRecorder } from './recorder';
import { startWatcher, type Watcher } from './watcher';
import { createWorld, type World } from './world';

/** 0: every kind of fault once. */
const minutes = Number(process.env['CHAOS_MINUTES'] ?? 0);
const seed = Number(process.env['CHAOS_SEED'] ?? randomInt(2 ** 31));
const only = process.env['CHAOS_ONLY'];

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Without Java there is no Kafka to kill, and KAFKA_REQUIRED=1 makes that a failure. */
const describeFaults = whyNoKafka() === undefined || process.env['KAFKA_REQUIRED'] === '1' ? describe : describe.skip;

describeFaults('the service under faults', () => {
  let world: World | undefined;
  let ledger: Ledger | undefined;
  let watchers: readonly Watcher[] = [];

  beforeAll(async () => {
    say(`CHAOS_SEED=${seed}`);
    world = await createWorld();
  }, 120_000);
  afterAll(async () => {
    for (const watcher of watchers) watcher.stop();
    ledger?.close();
    await world?.destroy();
  }, 60_000);

  it(
    'keeps every promise: nothing acknowledged is lost, nothing refused is there, all is in order',
    async () => {
      if (world === undefined) throw new Error('the back ends did not start');
      const random = createRandom(seed);
      const { problems, kafka } = world;
      const onProblem = (problem: string): void => void problems.push(problem);
      ledger = createLedger(world, random.fork());
      const live = startRecorder(kafka.brokers, onProblem);
      const ports = world.ways.clients.map(({ port }) => port);
      watchers = [ports, [...ports].reverse()].map((own) => startWatcher(own, onProblem));
      const load = await startLoad(ledger, random.fork(), onProblem);
      const struck = await conduct(world, ledger, random.fork(), { minutes, only, say });
      await delay(1_000);
      await load.stop();
      const { history, report } = await gather(world, ledger, live, watchers, struck);
      say(report);
      expect([...new Set([...problems, ...check(history)])]).toEqual([]);
    },
    minutes * 60_000 + 300_000,
  );
});
