import { destination, pino, type DestinationStream } from 'pino';

/** What the service logs with. Never pass personal data: no e-mail, name, phone, address, password or token. */
export type Logger = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'flush'>;

/** What PostgreSQL adds to an error holds the values of a row: `Key (email)=(…) already exists`. */
const withoutValues = (error: Error): object => {
  const { detail: _detail, where: _where, internalQuery: _query, ...rest } = pino.stdSerializers.err(error);
  return rest;
};

const PRETTY = { target: 'pino-pretty', options: { singleLine: true, ignore: 'pid,hostname' } };

/** JSON lines, written in the background to stdout, or to `to`; readable text when stdout is a terminal. */
export const createLogger = (level: string, to?: DestinationStream): Logger => {
  const options = { level, serializers: { err: withoutValues } };
  if (to !== undefined) return pino(options, to);
  return process.stdout.isTTY
    ? pino({ ...options, transport: PRETTY })
    : pino(options, destination({ sync: false, minLength: 15 * 1_024, periodicFlush: 100 }));
};
