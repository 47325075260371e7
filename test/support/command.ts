import { spawn } from 'node:child_process';

/** What a command left behind. */
export type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/**
 * Runs a command of ours in a process of its own; `input` is its standard input, in one piece, and `env` what its
 * environment has beside ours.
 */
export const runCommand = (
  file: string,
  args: readonly string[],
  input: Buffer | string = '',
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const options = { stdio: 'pipe', env: { ...process.env, ...env } } as const;
    const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], options);
    const out = { stdout: '', stderr: '' };
    child.stdout.on('data', (data: Buffer) => (out.stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (out.stderr += data.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...out }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
