import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../support/command';
import { startTestService, type TestService } from '../support/service';
import { importAll } from '../support/streams';

let test: TestService;
let other: TestService;
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'export-'));
  [test, other] = await Promise.all([startTestService(), startTestService()]);
});
afterAll(async () => {
  rmSync(dir, { recursive: true });
  await Promise.all([test.stop(), other.stop()]);
});

const exportFrom = (service: TestService, ...args: string[]) =>
  runCommand('src/bin/export.ts', ['--target', `127.0.0.1:${service.service.port}`, ...args]);

const jsonLines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('export', () => {
  it('writes a customer a line, and the position', async () => {
    const stored = await importAll(
      test.client.raw,
      Array.from({ length: 150 }, (_, n) => ({
        customer: { email: `row-${n}@example.com`, metadata: { n, list: [null, 'x'] } },
        created_at: { seconds: 1_600_000_000 + n, nanos: 0 },
      })),
    );
    const file = join(dir, 'customers.jsonl');
    const position = join(dir, 'position');
    const ran = await exportFrom(test, '--file', file, '--position-file', position);
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('150 customers exported') });
    const lines = jsonLines(readFileSync(file, 'utf8'));
    expect(lines).toHaveLength(150);
    const first = stored.find(({ customer }) => customer?.id === lines[0]!['id'])!.customer!;
    expect(lines[0]).toEqual({
      id: first.id,
      email: first.email,
      has_account: false,
      metadata: first.metadata,
      revision: 1,
      created_at: new Date(first.created_at!.seconds * 1_000).toISOString(),
      updated_at: expect.any(String),
    });
    expect(Number(readFileSync(position, 'utf8'))).toBeLessThanOrEqual(150);
    expect(existsSync(`${file}.partial`)).toBe(false);
  });

  it('writes lines that make the same customers elsewhere, addresses included', async () => {
    const address = {
      first_name: 'A',
      last_name: 'B',
      address_1: 'C',
      city: 'D',
      country_code: 'de',
      postal_code: '1',
    };
    await test.client.call('createCustomer', { email: 'addresses@example.com', addresses: [address] });
    const { stdout } = await exportFrom(test, '--for-import');
    const target = `127.0.0.1:${other.service.port}`;
    expect(await runCommand('src/bin/import.ts', ['--target', target], stdout)).toMatchObject({ code: 0 });
    expect((await exportFrom(other, '--for-import')).stdout).toBe(stdout);
  });

  it('leaves no file behind when it fails', async () => {
    const file = join(dir, 'none.jsonl');
    const ran = await runCommand('src/bin/export.ts', ['--target', '127.0.0.1:1', '--file', file]);
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('UNAVAILABLE') });
    expect([existsSync(file), existsSync(`${file}.partial`)]).toEqual([false, false]);
  });
});
