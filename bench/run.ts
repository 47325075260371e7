import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from '../dev/run';
import type { Part } from './part';
import { calls } from './parts/calls';
import { writes } from './parts/writes';
import { events } from './parts/events';
import { neighbours } from './parts/neighbours';
import { reads } from './parts/reads';
import { openResults, OutOfTime } from './results';
import { say, setStage, type Stage } from './stage';

const PARTS: Readonly<Record<string, Part>> = { calls, reads, writes, events, neighbours };

const USAGE = `npm run bench -- <part> [section …]   parts: ${Object.keys(PARTS).join(', ')}
  --seconds 4 --rounds 5 --in-flight 64   of each measurement
  --sizes 10000,100000,1000000            numbers of customers (reads)
  --events 1000000                        in the log (events)
  --rows 1000000                          imported and exported (writes)
  --minutes 30                            no measurement begins later
  --keep folder                           for the databases: filled once, not with every run (reads)
  --resume                                go on where the last run of this part ended
  --write                                 put the report into docs/benchmarks.md`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    'in-flight': { type: 'string', default: '64' },
    sizes: { type: 'string', default: '10000,100000,1000000' },
    events: { type: 'string', default: '1000000' },
    rows: { type: 'string', default: '1000000' },
    minutes: { type: 'string', default: '30' },
    keep: { type: 'string' },
    resume: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const ROOT = join(__dirname, '..');

/** Replaces the section of a part in docs/benchmarks.md, or adds it. */
const writeReport = async (part: string, lines: readonly string[]): Promise<void> => {
  const file = join(ROOT, 'docs/benchmarks.md');
  const [begin, end] = [`<!-- ${part} -->`, `<!-- end of ${part} -->`];
  const section = [begin, '', ...lines, '', end].join('\n');
  const text = existsSync(file)
    ? readFileSync(file, 'utf8')
    : `# Benchmarks\n\nWritten by \`npm run bench -- <part> --write\`. Ratios are of one run on one machine, both sides taking turns.\n`;
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  writeFileSync(file, after === undefined ? `${text}\n${section}\n` : `${before ?? ''}${section}${after}`);
  await run('npx', ['prettier', '--write', file]);
};

const chartFile = (name: string): string => {
  const folder = join(ROOT, values.write ? 'docs/benchmarks' : '.data/bench');
  mkdirSync(folder, { recursive: true });
  return join(folder, `${name}.svg`);
};

const main = async (): Promise<void> => {
  const [name = '', ...only] = positionals;
  const part = PARTS[name];
  if (part === undefined) throw new Error(USAGE);
  let stage: Promise<Stage> | undefined;
  const end = async (): Promise<void> => {
    await (await stage?.catch(() => undefined))?.end();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void end().then(() => process.exit(1)));

  const lines: string[] = [];
  const print = (line: string): void => {
    lines.push(line);
    process.stdout.write(`${line}\n`);
  };
  const minutes = Number(values.minutes);
  const results = openResults({ file: join(ROOT, `.data/bench/${name}.json`), resume: values.resume, minutes });
  try {
    await part({
      settings: {
        seconds: Number(values.seconds),
        rounds: Number(values.rounds),
        inFlight: Number(values['in-flight']),
        sizes: values.sizes.split(',').map(Number),
        events: Number(values.events),
        rows: Number(values.rows),
        only,
      },
      results,
      stage: () => (stage ??= setStage(values.keep)),
      print,
      chart: (file, svg) => {
        writeFileSync(chartFile(file), svg);
        say(`chart: ${chartFile(file)}`);
      },
    });
  } catch (error) {
    if (!(error instanceof OutOfTime)) throw error;
    print(`\nEnded early: ${error.message}. \`--resume\` goes on.`);
  } finally {
    await end();
  }
  const today = new Date().toISOString().slice(0, 10);
  print(`\n${today} · ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'} · Node ${process.versions.node}`);
  if (values.write) await writeReport(name, lines);
};

main().then(
  () => process.exit(0),
  (error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
