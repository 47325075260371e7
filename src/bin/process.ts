import { ConfigError, readConfig, type Config } from '../config';
import { createLogger, type Logger } from '../logger';
import { messageOf } from '../errors';

/** Something that runs until it is told to stop. */
export type Running = { readonly stop: () => Promise<void> };

const flushed = (log: Logger): Promise<void> => new Promise((resolve) => log.flush(() => resolve()));

/**
 * A process around something that runs: configuration faults on stderr and exit 1; SIGTERM and SIGINT stop it and exit
 * 0, a second one exits 1 at once.
 */
export const runProcess = async (
  env: Readonly<Record<string, string | undefined>>,
  start: (config: Config, log: Logger) => Promise<Running>,
): Promise<void> => {
  let config: Config;
  try {
    config = readConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
  const log = createLogger(config.logLevel);
  const end = async (code: number): Promise<never> => {
    await flushed(log);
    process.exit(code);
  };
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception');
    void end(1);
  });
  // kafkajs leaves some behind when a broker goes away; they concern nobody who waits.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));

  let isStopping = false;
  let running: Running | undefined;
  const stop = async (signal: string): Promise<void> => {
    if (isStopping) return end(1);
    isStopping = true;
    log.info({ signal }, 'stopping');
    await running?.stop();
    log.info('stopped');
    return end(0);
  };
  process.on('SIGTERM', (signal) => void stop(signal));
  process.on('SIGINT', (signal) => void stop(signal));
  try {
    running = await start(config, log);
  } catch (error) {
    log.fatal({ err: error }, 'could not start');
    process.stderr.write(`could not start: ${messageOf(error)}\n`);
    await end(1);
  }
};
