import { startTestService, type TestService } from '../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

const REUSED = { code: 'INVALID_ARGUMENT', reason: 'REQUEST_ID_REUSED' };

describe('answers kept under a request_id', () => {
  it('are those of calls that changed nothing, too', async () => {
    const { customer } = await test.client.call('createCustomer', { email: 'same@example.com', first_name: 'Anna' });
    const request = { id: customer!.id, first_name: 'Anna', request_id: 'nothing' };
    expect(await test.client.call('updateCustomer', request)).toEqual({ customer });
    await test.client.call('updateCustomer', { id: customer!.id, first_name: 'Hanna' });
    expect(await test.client.call('updateCustomer', request)).toEqual({ customer });
  });

  it('are not those of refused calls: the request_id is as free as before', async () => {
    const { customer: holder } = await test.client.call('createCustomer', { email: 'held@example.com' });
    const request = { email: 'held@example.com', request_id: 'refused' };
    const refused = test.client.refusal(test.client.call('createCustomer', request));
    expect(await refused).toMatchObject({ reason: 'GUEST_ALREADY_EXISTS' });
    await test.client.call('deleteCustomer', { id: holder!.id });
    const other = await test.client.call('createCustomer', { ...request, first_name: 'Other' });
    expect(other.customer).toMatchObject({ first_name: 'Other', revision: 1 });
    expect(await test.client.refusal(test.client.call('createCustomer', request))).toMatchObject(REUSED);
  });

  it('are found by what a request says, however it is written', async () => {
    const first = await test.client.call('createCustomer', {
      email: ' Spelled@Example.com',
      first_name: 'A\u030ase ',
      last_name: '  ',
      metadata: { a: 1, b: { c: [2], d: 3 } },
      request_id: 'spelled',
    });
    const again = await test.client.call('createCustomer', {
      email: 'spelled@example.com',
      first_name: '\u00c5se',
      metadata: { b: { d: 3, c: [2] }, a: 1 },
      request_id: 'spelled',
    });
    expect(again).toEqual(first);
  });

  it('are of one rpc: the same fields in another one are another request', async () => {
    const { customer } = await test.client.call('createCustomer', { email: 'rpc@example.com' });
    const request = { id: customer!.id, request_id: 'rpc' };
    await test.client.call('restoreCustomer', request);
    expect(await test.client.refusal(test.client.call('deleteCustomer', request))).toMatchObject(REUSED);
  });

  it('are known by every secret, so that one can be replaced', async () => {
    const request = { email: 'rotated@example.com', request_id: 'rotated' };
    const first = await test.client.call('createCustomer', request);
    const secrets = `a newer secret for tests that is long enough,${test.env['TOKEN_SECRET']}`;
    const rotated = await startTestService({ database: test.database, env: { TOKEN_SECRET: secrets } });
    expect(await rotated.client.call('createCustomer', request)).toEqual(first);
    const other = rotated.client.call('createCustomer', { ...request, first_name: 'Other' });
    expect(await rotated.client.refusal(other)).toMatchObject(REUSED);
    await rotated.stop();
  });
});
