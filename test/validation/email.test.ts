import { startTestService, type TestService } from '../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

const label = (length: number) => 'd'.repeat(length);
const create = (email: string) => test.client.call('createCustomer', { email });

describe('an e-mail', () => {
  it.each([
    'plain@example.com',
    'dots.and+tags@mail.example.co.uk',
    "!#$%&'*+-/=?^_`{|}~@example.com",
    'host@localhost',
    '"a quoted @ string"@example.com',
    'literal@[192.0.2.1]',
    'literal@[ipv6:2001:db8::1]',
    'jürgen@exämple.de',
    '用户@例え.jp',
    'x@xn--exmple-cua.de',
    `${label(64)}@example.com`,
    `x@${label(63)}.com`,
    `${label(64)}@${label(63)}.${label(63)}.${label(61)}`,
  ])('may be %s', async (email) => {
    expect((await create(email)).customer?.email).toBe(email);
  });

  it('is stored in lower case and NFC, and compared so', async () => {
    const { customer } = await create(' JU\u0308RGEN@EXA\u0308MPLE.COM ');
    expect(customer?.email).toBe('j\u00fcrgen@ex\u00e4mple.com');
    expect(await test.client.refusal(create('J\u00dcRGEN@ex\u00e4mple.com'))).toMatchObject({
      reason: 'GUEST_ALREADY_EXISTS',
      metadata: { existing_customer_id: customer?.id },
    });
    const other = await create('other@example.com');
    const update = { id: other.customer!.id, email: ' OTHER.TOO@Example.com' };
    expect((await test.client.call('updateCustomer', update)).customer?.email).toBe('other.too@example.com');
  });

  it.each([
    '',
    ' ',
    'nobody',
    '@example.com',
    'nobody@',
    'two@@example.com',
    'a b@example.com',
    '.dot@example.com',
    'dot.@example.com',
    'dot..dot@example.com',
    'x@example..com',
    'x@.example.com',
    'x@example.com.',
    'x@-example.com',
    'x@example-.com',
    'x@exam_ple.com',
    'x@[192.0.2]',
    '"open@example.com',
    'anna <anna@example.com>',
    'x@example.com, y@example.com',
    'new\nline@example.com',
    'invisible\u200b@example.com',
    'blank\u00a0@example.com',
    'nul\0@example.com',
    `${label(65)}@example.com`,
    `${'ü'.repeat(33)}@example.com`,
    `x@${label(64)}.com`,
    `${label(64)}@${label(63)}.${label(63)}.${label(62)}`,
  ])('must not be %j', async (email) => {
    expect(await test.client.refusal(create(email))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_REQUEST',
      fields: ['email'],
    });
  });
});
