import { spawn, spawnSync, type SpawnOptionsWithoutStdio } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Runs a command to its end and answers what it printed. Throws with that when it fails. */
export const run = (
  command: string,
  args: readonly string[],
  options: SpawnOptionsWithoutStdio = {},
): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, options);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')} ended ${howItEnded(code, signal)}\n${output.slice(-2_000)}`));
    });
  });

/** True while a process of this id is there, whoever owns it. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
};

/** For a message: `with 1` or `by SIGKILL`. */
export const howItEnded = (code: number | null, signal: NodeJS.Signals | null): string =>
  signal === null ? `with ${String(code)}` : `by ${signal}`;

/** Ends a process: asked first, forced after 15 s. */
export const terminate = async (pid: number): Promise<void> => {
  const signals = [
    ['SIGTERM', 15_000],
    ['SIGKILL', 5_000],
  ] as const;
  for (const [signal, patience] of signals) {
    if (!isAlive(pid)) return;
    process.kill(pid, signal);
    for (let waited = 0; waited < patience && isAlive(pid); waited += 50) await delay(50);
  }
};

/** Ends what was left over when its parent was killed; its command line must hold `mark`, as ids are used again. */
export const stopLeftOver = async (pidFile: string, mark: string): Promise<void> => {
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8'));
  const { stdout, error } = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  if (pid > 0 && error === undefined && stdout.includes(mark)) await terminate(pid);
};

/** A port of this machine that is free now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/** Throws when a port is busy, naming it and the variable that changes it. */
export const claimPort = (port: number, what: string, variable: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', () => reject(new Error(`port ${port} for ${what} is busy; set ${variable} to another one`)));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });

/** A part that runs beside us. */
export type BackEnd = {
  /** Resolves when it ends without having been stopped, with its last words. */
  readonly crashed: Promise<string>;
  readonly stop: () => Promise<void>;
};
