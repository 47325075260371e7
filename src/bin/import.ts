import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { ImportCustomersRequest } from '../gen/customer/v1/customer';
import { BadRequest, ErrorInfo } from '../gen/google/rpc/error_details';
import type { Status } from '../gen/google/rpc/status';
import { connect, describe } from '../grpc/client';
import { importRows, type SourceRow } from '../grpc/import-client';
import { parseImportLine } from '../validation/import-line';
import { readFlags, TARGET_FLAGS, TARGET_USAGE, targetOf, UsageError } from './arguments';
import { linesOf, type Line } from './lines';
import { createProgress } from './progress';
import { messageOf } from '../errors';

const USAGE = `Usage: node dist/bin/import.js [--file FILE] [options]

Imports customers from JSONL: one JSON object a line, the fields of customer.v1.ImportCustomersRequest with the names of
the proto, null as absent, created_at in RFC 3339:

  {"customer":{"email":"anna@example.com","first_name":"Anna"},"password_hash":"$2b$12$…","created_at":"2024-05-01T08:00:00Z"}

A line that cannot be imported is named, and the others go in. Run it again with the same input after an interruption:
each line has a request_id made from its content (its own, if it has one), so that what is in already is not changed,
for as long as the service keeps request_ids (24 hours unless set otherwise).

  --file FILE          input (default: standard input)
  --rejects FILE       refused lines: {"line", "reason", "message", "text"} each; without it they go to standard error,
                       without text
  --run ID             makes other request_ids: the same content is then imported anew
${TARGET_USAGE}

Exit code: 0 all in, 2 some refused, 1 failed.
`;

const FLAGS = {
  ...TARGET_FLAGS,
  file: { type: 'string' },
  rejects: { type: 'string' },
  run: { type: 'string', default: '' },
} as const;

/** What the service takes as one message. */
const MAX_MESSAGE = 1024 * 1024;

type Reject = { readonly line: number; readonly reason: string; readonly message: string; readonly text: string };

const requestIdOf = (run: string, text: string): string =>
  createHash('sha256').update(`${run}\n${text}`).digest('base64url');

const toRow = ({ line, text, fault }: Line, run: string): SourceRow => {
  if (fault !== undefined) throw new Error(fault);
  const request = parseImportLine(text);
  const customer = request.customer;
  if (customer !== undefined && customer.request_id === '') customer.request_id = requestIdOf(run, text);
  if (ImportCustomersRequest.encode(request).finish().length > MAX_MESSAGE) throw new Error('is more than 1 MiB');
  return { line, request };
};

/** Reading and encoding go down into values as deep as the stack allows. */
const faultOf = (error: unknown): string => {
  if (error instanceof RangeError) return 'is nested too deeply';
  return messageOf(error);
};

const rejectOf = (line: number, text: string, { message, details }: Status): Reject => {
  const find = (name: string) => details.find(({ type_url }) => type_url.endsWith(`/google.rpc.${name}`))?.value;
  const info = find('ErrorInfo');
  const faults = BadRequest.decode(find('BadRequest') ?? new Uint8Array()).field_violations;
  return {
    line,
    text,
    reason: info === undefined ? 'UNKNOWN' : ErrorInfo.decode(info).reason,
    message: faults.length === 0 ? message : faults.map((f) => `${f.field}: ${f.description}`).join('; '),
  };
};

type Flags = ReturnType<typeof readFlags<typeof FLAGS>>;

const run = async (flags: Flags, signal: AbortSignal): Promise<number> => {
  const client = connect(targetOf(flags));
  const rejects: NodeJS.WriteStream | WriteStream =
    flags.rejects === undefined ? process.stderr : createWriteStream(flags.rejects);
  const input = flags.file === undefined ? process.stdin : createReadStream(flags.file);
  signal.addEventListener('abort', () => void input.destroy());
  const progress = createProgress(process.stderr);
  const startedAt = performance.now();
  const count = { stored: 0, refused: 0 };
  /** Texts of the lines that are on their way, for the rejects. */
  const texts = new Map<number, string>();

  const refuse = ({ text, ...reject }: Reject): void => {
    count.refused += 1;
    progress.clear();
    // A line may hold a password hash, which is nothing for a terminal or a log.
    rejects.write(`${JSON.stringify(rejects === process.stderr ? reject : { ...reject, text })}\n`);
  };
  const summary = (): string => {
    const perSecond = Math.round((count.stored / Math.max(1, performance.now() - startedAt)) * 1_000);
    return `${count.stored} imported, ${count.refused} refused, ${perSecond}/s`;
  };
  const rows = async function* (): AsyncGenerator<SourceRow> {
    for await (const line of linesOf(input as AsyncIterable<Buffer>)) {
      try {
        const row = toRow(line, flags.run);
        texts.set(line.line, line.text);
        yield row;
      } catch (error) {
        refuse({ line: line.line, reason: 'INVALID_LINE', message: faultOf(error), text: line.text });
      }
    }
  };

  try {
    await importRows({
      client,
      rows: rows(),
      signal,
      onRetry: (error) => {
        progress.clear();
        process.stderr.write(`${describe(error)}; trying again\n`);
      },
      onResult: ({ line }, outcome) => {
        if (outcome.$case === 'customer') count.stored += 1;
        else refuse(rejectOf(line, texts.get(line) ?? '', outcome.value));
        texts.delete(line);
        progress.show(summary);
      },
    });
  } finally {
    client.close();
    input.destroy();
    progress.clear();
    process.stderr.write(`${summary()}\n`);
    if (rejects !== process.stderr) {
      rejects.end();
      await finished(rejects);
    }
  }
  return count.refused === 0 ? 0 : 2;
};

const main = async (): Promise<number> => {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error('interrupted')));
  try {
    const flags = readFlags(process.argv.slice(2), FLAGS);
    if (flags.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    return await run(flags, stop.signal);
  } catch (error) {
    const again = stop.signal.aborted ? '; run it again with the same input to go on' : '';
    process.stderr.write(`${describe(stop.signal.aborted ? stop.signal.reason : error)}${again}\n`);
    if (error instanceof UsageError) process.stderr.write(`\n${USAGE}`);
    return 1;
  }
};

void main().then((code) => {
  process.exitCode = code;
});
