import { spawn, type SpawnOptionsWithoutStdio } from 'node:child_process';
import { createServer } from 'node:net';

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
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${String(code)}\n${output.slice(-2_000)}`));
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
