import { pino } from 'pino';

/** What the service logs with. Never pass personal data: no e-mail, name, phone, address, password or token. */
export type Logger = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;

/** JSON lines on stdout; readable text when stdout is a terminal. */
export const createLogger = (level: string): Logger =>
  process.stdout.isTTY ? pino({ level, transport: { target: 'pino-pretty' } }) : pino({ level });
