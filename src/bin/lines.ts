/** One line of a file, from 1; `fault` says why its text cannot be used. */
export type Line = { readonly line: number; readonly text: string; readonly fault?: string };

/** A longer line is read over, not held. */
const MAX_BYTES = 2 * 1024 * 1024;
/** What is kept of a line that cannot be used. */
const EXCERPT = 1_000;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const toLine = (line: number, bytes: Buffer, length: number): Line => {
  if (length > MAX_BYTES) {
    return { line, text: bytes.toString('utf8', 0, EXCERPT), fault: `is longer than ${MAX_BYTES} bytes` };
  }
  try {
    const text = utf8.decode(bytes).replace(/\r$/, '');
    const content = line === 1 ? text.replace(/^\uFEFF/, '') : text;
    return content.trim() === '' ? { line, text: content, fault: 'is empty' } : { line, text: content };
  } catch {
    return { line, text: bytes.toString('utf8', 0, EXCERPT), fault: 'is not UTF-8' };
  }
};

/** Lines as they end, by \n or \r\n; a byte order mark before the first is left out. Memory is bounded whatever comes. */
export const linesOf = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let line = 1;
  let parts: Buffer[] = [];
  let length = 0;
  const keep = (part: Buffer): void => {
    if (length <= MAX_BYTES) parts.push(part);
    length += part.length;
  };
  const finish = (): Line => {
    const found = toLine(line, parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts), length);
    line += 1;
    parts = [];
    length = 0;
    return found;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let to = chunk.indexOf(10); to !== -1; to = chunk.indexOf(10, from)) {
      keep(chunk.subarray(from, to));
      from = to + 1;
      yield finish();
    }
    if (from < chunk.length) keep(chunk.subarray(from));
  }
  if (length > 0) yield finish();
};
