import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCommand } from '../support/command';
import { startTestService, type TestService } from '../support/service';

let test: TestService;
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'import-'));
  test = await startTestService();
});
afterAll(async () => {
  rmSync(dir, { recursive: true });
  await test.stop();
});

const importLines = (input: Buffer | string, ...args: string[]) =>
  runCommand('src/bin/import.ts', ['--target', `127.0.0.1:${test.service.port}`, ...args], input);

const line = (customer: object, rest: object = {}): string => JSON.stringify({ customer, ...rest });

const countOf = async (pattern: string) =>
  (await test.database.query('select 1 from customers where email like $1', [pattern])).length;

describe('import', () => {
  it('imports every line, and the same input again without a second event', async () => {
    const address = {
      first_name: 'A',
      last_name: 'B',
      address_1: 'C',
      city: 'D',
      country_code: 'de',
      postal_code: '1',
    };
    const input = Array.from({ length: 500 }, (_, n) =>
      line(
        { email: `all-${n}@example.com`, phone: null, metadata: { n, nothing: null }, addresses: [address] },
        { created_at: '2020-02-03T04:05:06.789+02:00' },
      ),
    ).join('\n');
    expect(await importLines(input)).toMatchObject({
      code: 0,
      stderr: expect.stringMatching('500 imported, 0 refused'),
    });
    expect(await importLines(input)).toMatchObject({
      code: 0,
      stderr: expect.stringMatching('500 imported, 0 refused'),
    });
    const [{ id } = { id: '' }] = await test.database.query<{ id: string }>(
      `select id from customers where email = 'all-7@example.com'`,
    );
    const { customer } = await test.client.call('getCustomer', { id });
    expect(customer).toMatchObject({
      metadata: { n: 7, nothing: null },
      revision: 1,
      created_at: { seconds: 1_580_695_506, nanos: 789_000_000 },
    });
    expect(await countOf('all-%')).toBe(500);
  });

  it('names every broken line with its number and reason, and lets the rest in', async () => {
    const good = (n: number) => Buffer.from(line({ email: `good-${n}@example.com` }));
    const lines: Buffer[] = [
      Buffer.concat([Buffer.from('\uFEFF'), good(1)]),
      Buffer.from('{"customer":'),
      Buffer.from(line({ email: 1 })),
      Buffer.from(line({ email: 'x@example.com', mail: 'x' })),
      Buffer.from(''),
      Buffer.concat([good(6), Buffer.from('\r')]),
      Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
      Buffer.from(line({ email: 'huge@example.com', first_name: 'x'.repeat(3_000_000) })),
      Buffer.from(line({ email: 'big@example.com', first_name: 'x'.repeat(1_100_000) })),
      Buffer.from(line({ email: 'not an address' })),
      Buffer.from(line({ email: 'good-1@example.com', first_name: 'Another' })),
      Buffer.from(line({ email: 'x@example.com' }, { created_at: 'yesterday' })),
      Buffer.from('null'),
      good(14),
      Buffer.from(`{"customer":{"email":"nul\0@example.com"}}`),
      Buffer.from(line({ email: 'nul@example.com', first_name: 'a\0b' })),
      Buffer.concat([Buffer.from('\uFEFF'), good(17)]),
      Buffer.from(' \t'),
      Buffer.from('[]'),
      Buffer.from('['.repeat(100_000)),
      Buffer.from(
        `{"customer":{"email":"deep@example.com","metadata":{"a":${'['.repeat(9_000)}${']'.repeat(9_000)}}}}`,
      ),
      Buffer.from(line({ email: 'x@example.com' }, { password: 'x' })),
      Buffer.from('{"customer":{"email":"\xed\xa0\x80@example.com"}}', 'latin1'),
      Buffer.from('{"customer":{"email":"half@example.com","metadata":{"a":["\\uD83D"]}}}'),
      Buffer.from(`{"customer":{"email":"good-25@example.com","first_name":"\\ud83c\\udf4f \\\\ud83d"}}`),
      good(26),
    ];
    const rejects = join(dir, 'rejects.jsonl');
    const input = Buffer.concat(lines.flatMap((bytes, n) => (n === 0 ? [bytes] : [Buffer.from('\n'), bytes])));
    const ran = await importLines(input, '--rejects', rejects);
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringMatching('5 imported, 21 refused') });
    const found = readFileSync(rejects, 'utf8')
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as { line: number; reason: string; message: string; text: string })
      .sort((a, b) => a.line - b.line);
    expect(found.map((reject) => [reject.line, reject.reason])).toEqual([
      [2, 'INVALID_LINE'],
      [3, 'INVALID_LINE'],
      [4, 'INVALID_LINE'],
      [5, 'INVALID_LINE'],
      [7, 'INVALID_LINE'],
      [8, 'INVALID_LINE'],
      [9, 'INVALID_LINE'],
      [10, 'INVALID_REQUEST'],
      [11, 'GUEST_ALREADY_EXISTS'],
      [12, 'INVALID_LINE'],
      [13, 'INVALID_LINE'],
      [15, 'INVALID_LINE'],
      [16, 'INVALID_REQUEST'],
      [17, 'INVALID_LINE'],
      [18, 'INVALID_LINE'],
      [19, 'INVALID_LINE'],
      [20, 'INVALID_LINE'],
      [21, 'INVALID_LINE'],
      [22, 'INVALID_LINE'],
      [23, 'INVALID_LINE'],
      [24, 'INVALID_LINE'],
    ]);
    expect(found[2]?.message).toContain('mail');
    expect(found.find((reject) => reject.line === 21)?.message).toBe('is nested too deeply');
    expect(found[8]?.text).toContain('Another');
    expect(await countOf('good-%')).toBe(5);
  });

  it('goes on where it was when the connection breaks', async () => {
    const sockets = new Set<Socket>();
    let broken = 0;
    const proxy = createServer((socket) => {
      const upstream = connect(test.service.port, '127.0.0.1');
      for (const end of [socket, upstream]) {
        sockets.add(end);
        end.on('error', () => undefined);
        end.on('close', () => [socket, upstream].forEach((other) => other.destroy()));
      }
      socket.pipe(upstream);
      upstream.pipe(socket);
      let received = 0;
      upstream.on('data', (data: Buffer) => {
        received += data.length;
        if (received < 60_000 || broken === 3) return;
        broken += 1;
        socket.destroy();
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as { port: number };
    const file = join(dir, 'broken.jsonl');
    writeFileSync(
      file,
      Array.from({ length: 2_500 }, (_, n) => `${line({ email: `broken-${n}@example.com` })}\n`).join(''),
    );
    const ran = await runCommand('src/bin/import.ts', ['--target', `127.0.0.1:${port}`, '--file', file]);
    proxy.close();
    sockets.forEach((socket) => socket.destroy());
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringMatching('2500 imported, 0 refused') });
    expect(broken).toBe(3);
    expect(await countOf('broken-%')).toBe(2_500);
    const events = await test.database.query(
      `select 1 from (select data from customer_events union all select data from customer_outbox) recorded
        where data #>> '{customer,email}' like 'broken-%'`,
    );
    expect(events).toHaveLength(2_500);
  });

  it('ends with what is in when it is interrupted, also while it waits for input', async () => {
    const target = `127.0.0.1:${test.service.port}`;
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/bin/import.ts', '--target', target]);
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.stdin.write(`${line({ email: 'interrupted@example.com' })}\n`);
    while ((await countOf('interrupted%')) === 0) await delay(50);
    await delay(200);
    child.kill('SIGINT');
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(1);
    expect(stderr).toContain('1 imported, 0 refused');
    expect(stderr).toContain('interrupted');
  });

  it('fails with its usage for wrong arguments, and with a reason when there is nobody or nothing', async () => {
    const [unknown, target, file] = await Promise.all([
      importLines('', '--flie', 'x'),
      runCommand('src/bin/import.ts', ['--target', 'nowhere']),
      importLines('', '--file', join(dir, 'missing.jsonl')),
    ]);
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('Usage:') });
    expect(target).toMatchObject({ code: 1, stderr: expect.stringContaining('--target must be HOST:PORT') });
    expect(file).toMatchObject({ code: 1, stderr: expect.stringContaining('ENOENT') });
  });
});
