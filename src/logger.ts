import { destination, pino } from 'pino';

/** What the service logs with. Never pass personal data: no e-mail, name, phone, address, password or token. */
export type Logger = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'flush'>;

/** JSON lines on stdout, written in the background; readable text when stdout is a terminal. */
export const createLogger = (level: string): Logger =>
  process.stdout.isTTY
    ? pino({ level, transport: { target: 'pino-pretty', options: { singleLine: true, ignore: 'pid,hostname' } } })
    : pino({ level }, destination({ sync: false, minLength: 15 * 1_024, periodicFlush: 100 }));
