import { destination, pino, type DestinationStream } from 'pino';

/** What the service logs with. Never pass personal data: no e-mail, name, phone, address, password or token. */
export type Logger = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'flush'>;

/** What PostgreSQL adds to an error holds the values of a row: `Key (email)=(…) already exists`. */
const withoutValues = (error: Error): object => {
  const { detail: _detail, where: _where, internalQuery: _query, ...rest } = pino.stdSerializers.err(error);
  return rest;
};

const CHUNK = 15 * 1_024;
const KEPT_MS = 100;

/**
 * Stdout in the background, in chunks of lines. They are gathered here, because the destination would copy all it has
 * gathered for every line more (sonic-boom 4.2.1), which was a fifth of the memory that a call takes.
 */
const stdoutInChunks = (): DestinationStream & { readonly flush: (flushed?: () => void) => void } => {
  const stdout = destination({ sync: false, minLength: 1 });
  let lines = '';
  const send = (): void => {
    if (lines !== '') stdout.write(lines);
    lines = '';
  };
  setInterval(send, KEPT_MS).unref();
  process.on('exit', () => {
    send();
    stdout.flushSync();
  });
  return {
    write: (line) => {
      lines += line;
      if (lines.length >= CHUNK) send();
    },
    flush: (flushed) => {
      send();
      stdout.flush(flushed);
    },
  };
};

const PRETTY = { target: 'pino-pretty', options: { singleLine: true, ignore: 'pid,hostname' } };

/** JSON lines, written in the background to stdout, or to `to`; readable text when stdout is a terminal. */
export const createLogger = (level: string, to?: DestinationStream): Logger => {
  const options = { level, serializers: { err: withoutValues } };
  if (to !== undefined) return pino(options, to);
  return process.stdout.isTTY ? pino({ ...options, transport: PRETTY }) : pino(options, stdoutInChunks());
};
