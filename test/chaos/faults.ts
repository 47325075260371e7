import { setTimeout as delay } from 'node:timers/promises';
import type { Child } from './child';
import type { Random } from './random';
import type { World } from './world';

/** A kind of fault: does the harm and takes it away again. */
export type Fault = {
  readonly name: string;
  /** No call may fail of it. */
  readonly sparesCalls?: true;
  /** Too long for the short form. */
  readonly isLong?: true;
  readonly strike: (world: World, random: Random) => Promise<void>;
};

/** Within which another takes over, as is promised. */
const TAKE_OVER_MS = 2_000;
/** What a process may be late by on a machine that runs two services, PostgreSQL, Kafka and the load on few cores. */
const BUSY_MS = 1_000;
const GIVE_UP_MS = 30_000;
/** Longer than the lease of a sink, and than it takes another process to gain it. */
const BEYOND_LEASE_MS = 4_500;
/** Longer than a request to Kafka may take, twice over: it is tried again once. */
const BEYOND_REQUEST_MS = 12_000;

const killed = async (child: Child, random: Random): Promise<void> => {
  await child.end('SIGKILL');
  await delay(random.below(1_500));
  await child.start();
};

const terminated = async (child: Child, { problems, terminations }: World): Promise<void> => {
  const from = Date.now();
  const code = await child.end('SIGTERM');
  terminations.push({ name: child.name, from, to: Date.now() });
  if (code !== 0) problems.push(`${child.name} ended with ${String(code)} after SIGTERM`);
  await child.start();
};

type Cursor = { readonly name: string; readonly leader: string | null; readonly position: number };

const cursorsOf = async ({ database }: World): Promise<Cursor[]> => {
  const { rows } = await database.query<Cursor>(
    `select name, leader, position::int from event_cursors where name <> 'log' order by name`,
  );
  return rows;
};

/** The process that leads a sink now, by its own account. */
const leaderOf = async (world: World, sink: string): Promise<Child | undefined> => {
  const cursor = (await cursorsOf(world)).find(({ name }) => name === sink);
  const pid = Number(/-(\d+)-[0-9a-f]+$/.exec(cursor?.leader ?? '')?.[1]);
  return [...world.services, world.relay].find((child) => child.pid() === pid);
};

/** Kills the leader of the events, and sees how long each sink that it led is without one. */
const killLeader = async (world: World, random: Random): Promise<void> => {
  const leader = await leaderOf(world, 'kafka');
  if (leader === undefined) return;
  const before = await cursorsOf(world);
  const own = before.find(({ name }) => name === 'kafka')?.leader;
  await leader.end('SIGKILL');
  const killedAt = performance.now();
  const until = async (holds: (now: Cursor) => boolean, sink: string): Promise<number> => {
    for (;;) {
      const now = (await cursorsOf(world)).find(({ name }) => name === sink);
      const ms = Math.round(performance.now() - killedAt);
      if ((now !== undefined && holds(now)) || ms > GIVE_UP_MS) return ms;
      await delay(10);
    }
  };
  const led = before.filter(({ leader: by }) => by === own);
  await Promise.all(
    led.map(async ({ name: sink, position }) => {
      const leadsAfterMs = await until(({ leader: by }) => by !== own, sink);
      const publishesAfterMs = await until((now) => now.position > position, sink);
      world.takeOvers.push({ sink, leadsAfterMs, publishesAfterMs });
      if (leadsAfterMs > TAKE_OVER_MS + BUSY_MS) {
        world.problems.push(`${sink} was without a leader for ${leadsAfterMs} ms`);
      }
    }),
  );
  await delay(random.below(1_500));
  await leader.start();
};

const frozen = async (child: Child | undefined): Promise<void> => {
  child?.freeze();
  await delay(BEYOND_LEASE_MS);
  child?.thaw();
};

/** What is committed, in one number that every change moves. */
const committed = async ({ database }: World): Promise<string> => {
  const { rows } = await database.query<{ sum: string }>(
    'select (select sum(revision) from customers) + (select coalesce(sum(revision), 0) from customer_groups) as sum',
  );
  return rows[0]?.sum ?? '';
};

/** Every kind there is. */
export const FAULTS: readonly Fault[] = [
  {
    name: 'kill -9 a service',
    strike: ({ services }, random) => killed(random.pick(services), random),
  },
  {
    name: 'kill -9 the leader of the events',
    strike: killLeader,
  },
  {
    name: 'kill -9 every process of ours',
    strike: async ({ services, relay }, random) => {
      await Promise.all([...services, relay].map((child) => killed(child, random)));
    },
  },
  { name: 'kill -9 the relay', sparesCalls: true, strike: ({ relay }, random) => killed(relay, random) },
  {
    name: 'kill -9 PostgreSQL',
    strike: async ({ postgres }, random) => {
      await postgres.kill();
      await delay(random.below(2_000));
      await postgres.restart();
    },
  },
  {
    name: 'kill -9 Kafka',
    sparesCalls: true,
    strike: async ({ kafka }, random) => {
      await kafka.kill();
      await delay(random.below(2_000));
      await kafka.restart();
    },
  },
  {
    name: 'keep Kafka away for 20 s',
    sparesCalls: true,
    isLong: true,
    strike: async ({ kafka }) => {
      await kafka.kill();
      await delay(20_000);
      await kafka.restart();
    },
  },
  { name: 'cut the connections to PostgreSQL', strike: async ({ ways }) => ways.database.cut() },
  {
    name: 'hold back all bytes to and from PostgreSQL',
    strike: async ({ ways }, random) => {
      const release = ways.database.stall();
      await delay(2_000 + random.below(3_000));
      release();
    },
  },
  {
    name: 'mute the connections to PostgreSQL for ever',
    strike: async ({ ways }) => ways.database.mute(),
  },
  {
    name: 'delay PostgreSQL',
    strike: async ({ ways }, random) => {
      ways.database.delayBy(20 + random.below(60));
      await delay(3_000);
      ways.database.delayBy(0);
    },
  },
  { name: 'cut the connections to Kafka', sparesCalls: true, strike: async ({ ways }) => ways.kafka.cut() },
  {
    name: 'stall Kafka until sends time out',
    sparesCalls: true,
    strike: async ({ ways }) => {
      const release = ways.kafka.stall();
      await delay(BEYOND_REQUEST_MS);
      release();
    },
  },
  {
    name: 'mute the connections to Kafka for ever',
    sparesCalls: true,
    strike: async ({ ways }) => ways.kafka.mute(),
  },
  {
    name: 'cut the connections of the callers',
    strike: async ({ ways }) => ways.clients.forEach((way) => way.cut()),
  },
  {
    name: 'hold back all bytes to and from the callers',
    strike: async ({ ways }, random) => {
      const releases = ways.clients.map((way) => way.stall());
      await delay(1_000 + random.below(4_000));
      for (const release of releases) release();
    },
  },
  {
    name: 'take the outbox away',
    strike: async (world) => {
      await world.database.query('alter table customer_outbox rename to customer_outbox_gone');
      const before = await committed(world);
      await delay(2_000);
      if ((await committed(world)) !== before) world.problems.push('a change was committed without its event');
      await world.database.query('alter table customer_outbox_gone rename to customer_outbox');
    },
  },
  {
    name: 'SIGTERM a service',
    strike: (world, random) => terminated(random.pick(world.services), world),
  },
  { name: 'SIGTERM the relay', sparesCalls: true, strike: (world) => terminated(world.relay, world) },
  { name: 'freeze the leader of the events', strike: async (world) => frozen(await leaderOf(world, 'kafka')) },
  { name: 'freeze the leader of the states', strike: async (world) => frozen(await leaderOf(world, 'kafka-state')) },
  {
    name: 'let two lead at once',
    sparesCalls: true,
    strike: async ({ database }, random) => {
      for (let times = 0; times < 5; times += 1) {
        await database.query(`update event_cursors set lease_until = clock_timestamp() - interval '1 s'`);
        await delay(random.below(400));
      }
    },
  },
];
