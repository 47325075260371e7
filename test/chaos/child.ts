import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../../dev/run';

export type LogLine = { readonly level: number; readonly msg: string; readonly [field: string]: unknown };

/** A process of ours that is started again and again, in a group of its own; its logs go on in one file. */
export type Child = {
  readonly name: string;
  readonly pid: () => number | undefined;
  /** Resolves once it says that it is ready; throws with its last words when it ends instead. */
  readonly start: () => Promise<void>;
  /** Ends it by a signal, and answers its exit code; null after a kill. */
  readonly end: (signal: 'SIGKILL' | 'SIGTERM') => Promise<number | null>;
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** All it has logged since its first start. */
  readonly logged: () => LogLine[];
};

type Options = {
  readonly name: string;
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** The message that says it is ready. */
  readonly readyWhen: RegExp;
  /** Told when it ends without having been told to. */
  readonly onCrash: (problem: string) => void;
};

const START_WITHIN_MS = 40_000;

const parse = (line: string): LogLine => {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: 60, msg: line };
  }
};

export const createChild = ({ name, script, env, logFile, readyWhen, onCrash }: Options): Child => {
  let pid: number | undefined;
  let exited: Promise<number | null> = Promise.resolve(0);
  let isEnding = false;

  const logged = (from = 0): LogLine[] => {
    const text = readFileSync(logFile).subarray(from).toString();
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map(parse);
  };
  const lastWords = (): string =>
    logged()
      .filter(({ level }) => level >= 40)
      .slice(-5)
      .map((line) => JSON.stringify(line))
      .join('\n');
  const signal = (which: NodeJS.Signals): void => {
    if (pid !== undefined && isAlive(pid)) process.kill(-pid, which);
  };

  return {
    name,
    logged: () => logged(),
    pid: () => pid,
    start: async () => {
      const log = openSync(logFile, 'a');
      const { size } = statSync(logFile);
      isEnding = false;
      const child = spawn(process.execPath, [script], {
        detached: true,
        stdio: ['ignore', log, log],
        env: { PATH: process.env['PATH'] ?? '', ...env },
      });
      pid = child.pid;
      exited = once(child, 'exit').then(([code, by]: unknown[]) => {
        pid = undefined;
        if (!isEnding) onCrash(`${name} ended by itself (${String(code ?? by)}):\n${lastWords()}`);
        return code as number | null;
      });
      const giveUpAt = Date.now() + START_WITHIN_MS;
      while (!logged(size).some(({ msg }) => readyWhen.test(msg))) {
        if (pid === undefined || Date.now() > giveUpAt) throw new Error(`${name} did not start:\n${lastWords()}`);
        await delay(50);
      }
    },
    end: async (which) => {
      isEnding = true;
      signal('SIGCONT');
      signal(which);
      return exited;
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
  };
};
