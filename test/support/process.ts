import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestDatabase } from './database';
import { stopsOnce } from './left-over';

export type LogLine = { readonly level: number; readonly msg: string; readonly [field: string]: unknown };

/** A service in a process of its own: what a process does as a whole (end, exit, crash) is seen on it alone. */
export type TestProcess = {
  readonly port: number;
  readonly httpPort: number;
  readonly pid: number;
  /** What it logged, up to now. */
  readonly logs: readonly LogLine[];
  /** Sends a signal and answers the exit code; null when a signal ended it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>;
  readonly stop: () => Promise<void>;
};

const parse = (line: string): LogLine => {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: 60, msg: line };
  }
};

/** `bin/serve` as it stands in the sources, on free ports; answers once it serves. */
export const startTestProcess = async (
  database: Pick<TestDatabase, 'url'>,
  env: Readonly<Record<string, string>> = {},
): Promise<TestProcess> => {
  const root = resolve(__dirname, '../..');
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'src/bin/serve.ts')], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'] ?? '',
      DATABASE_URL: database.url,
      PORT: '0',
      HTTP_PORT: '0',
      BCRYPT_COST: '4',
      TOKEN_SECRET: 'a secret for tests that is long enough',
      ...env,
    },
  });
  const exited = once(child, 'exit').then(([code]: unknown[]) => code as number | null);
  const logs: LogLine[] = [];
  const serving = new Promise<RegExpExecArray>((resolveServing, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const entry = parse(line);
      logs.push(entry);
      const found = /^serving on .*:(\d+), http:.*:(\d+)\//.exec(entry.msg);
      if (found !== null) resolveServing(found);
    });
    void exited.then((code) => reject(new Error(`it ended with ${code}:\n${logs.map(({ msg }) => msg).join('\n')}`)));
  });
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return exited;
  };
  const stop = stopsOnce(async () => {
    await end('SIGKILL');
  });
  const [, port, httpPort] = await serving;
  return { port: Number(port), httpPort: Number(httpPort), pid: child.pid ?? 0, logs, end, stop };
};
