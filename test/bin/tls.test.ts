import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '../support/certificates';
import { runCommand } from '../support/command';
import { startTestService, type TestService } from '../support/service';

let test: TestService;
let dir: string;
const file = (name: string): string => join(dir, name);
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'commands-tls-'));
  const authority = await createAuthority('our authority');
  const [server, caller] = await Promise.all([authority.issue('server.example'), authority.issue('loader.example')]);
  for (const [name, text] of Object.entries({
    'ca.crt': authority.cert,
    'server.crt': server.cert,
    'server.key': server.key,
    'caller.crt': caller.cert,
    'caller.key': caller.key,
  })) {
    writeFileSync(file(name), text);
  }
  test = await startTestService({
    env: {
      TLS_CERT_FILE: file('server.crt'),
      TLS_KEY_FILE: file('server.key'),
      TLS_CLIENT_CA_FILE: file('ca.crt'),
    },
  });
});
afterAll(async () => {
  await test.stop();
  rmSync(dir, { recursive: true });
});

const run = (command: 'import' | 'export', args: readonly string[], input = '') =>
  runCommand(`src/bin/${command}.ts`, ['--target', `127.0.0.1:${test.service.port}`, ...args], input);

describe('import and export over TLS', () => {
  it('show their own certificate to a service that they trust, which names them as the actor', async () => {
    const ours = ['--tls-ca', file('ca.crt'), '--tls-cert', file('caller.crt'), '--tls-key', file('caller.key')];
    const line = JSON.stringify({ customer: { email: 'tls@example.com' } });
    expect(await run('import', ours, line)).toMatchObject({ code: 0, stderr: expect.stringContaining('1 imported') });
    const exported = await run('export', ours);
    expect(exported.code).toBe(0);
    expect(JSON.parse(exported.stdout)).toMatchObject({ email: 'tls@example.com' });
    const actors = await test.database.query(
      'select actor from customer_events union all select actor from customer_outbox',
    );
    expect(actors).toEqual([{ actor: 'loader.example' }]);
  });

  it.each([
    ['a certificate of their own', ['--tls-ca', 'ca.crt']],
    ['trust in the service', ['--tls', '--tls-cert', 'caller.crt', '--tls-key', 'caller.key']],
    ['TLS', []],
  ])('get nothing without %s', async (_what, args) => {
    const given = args.map((arg) => (arg.startsWith('--') ? arg : file(arg)));
    const ran = await run('export', given);
    expect(ran).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('UNAVAILABLE') });
  });

  it('say which flag or file is missing', async () => {
    const [half, missing] = await Promise.all([
      run('export', ['--tls-cert', file('caller.crt')]),
      run('import', ['--tls-ca', file('no.crt')], '{}'),
    ]);
    expect(half).toMatchObject({ code: 1, stderr: expect.stringContaining('--tls-cert and --tls-key go together') });
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('no.crt') });
  });
});
