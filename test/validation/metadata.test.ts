import { anAddress } from '../support/address';
import { startTestService, type TestService } from '../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

let number = 0;
const create = async (metadata: object) => {
  number += 1;
  return (await test.client.call('createCustomer', { email: `metadata-${number}@example.com`, metadata })).customer!;
};
const fieldsOf = async (call: Promise<unknown>) => (await test.client.refusal(call)).fields;

/** Metadata whose compact JSON has so many bytes. */
const ofBytes = (bytes: number, letter = 'x') => {
  const empty = Buffer.byteLength('{"a":""}');
  return { a: letter.repeat((bytes - empty) / Buffer.byteLength(letter)) };
};
const ofKeys = (count: number, name = 'key') =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`${name} ${n}`, n]));
const inObjects = (levels: number): unknown => (levels === 0 ? 1 : { in: inObjects(levels - 1) });
const inLists = (levels: number): unknown => (levels === 0 ? 1 : [inLists(levels - 1)]);

describe('metadata', () => {
  it('is kept as it is: empty and blank texts, null, lists, numbers', async () => {
    const metadata = {
      empty: '',
      blank: '  A\u030a ',
      nothing: null,
      list: [null, '', [1.5, -2], { deep: false }],
      large: Number.MAX_SAFE_INTEGER,
      small: 5e-324,
      '': 'a key of nothing',
    };
    const customer = await create(metadata);
    expect(customer.metadata).toEqual(metadata);
    expect((await test.client.call('getCustomer', { id: customer.id })).customer?.metadata).toEqual(metadata);
  });

  it.each([
    ['16 KiB of compact JSON', ofBytes(16_384), ofBytes(16_385)],
    ['16 KiB in UTF-8', ofBytes(16_384, 'é'), ofBytes(16_386, 'é')],
    ['100 keys', ofKeys(100), ofKeys(101)],
  ])('may have %s and no more, wherever it is given', async (_, most, more) => {
    const { id } = await create(most);
    expect(await fieldsOf(create(more))).toEqual(['metadata']);
    const update = (request: object) => test.client.call('updateCustomer', { id, ...request });
    expect(await fieldsOf(update({ replace_metadata: more }))).toEqual(['replace_metadata']);
    expect(await fieldsOf(update({ metadata: more }))).toEqual(['metadata']);
    const address = anAddress({ metadata: more });
    expect(await fieldsOf(test.client.call('addAddress', { customer_id: id, address }))).toEqual(['address.metadata']);
    const group = test.client.call('createCustomerGroup', { name: 'never', metadata: more });
    expect(await fieldsOf(group)).toEqual(['metadata']);
  });

  it('may have 100 keys after a merge, too, of which those that are deleted do not count', async () => {
    const { id } = await create(ofKeys(100));
    const merge = (metadata: object) => test.client.call('updateCustomer', { id, metadata });
    expect(await fieldsOf(merge({ another: 1 }))).toEqual(['metadata']);
    const { customer } = await merge({ 'key 0': '', another: 1 });
    expect(Object.keys(customer!.metadata!)).toHaveLength(100);
  });

  it.each([
    ['objects', inObjects],
    ['lists', inLists],
  ])('may be ten %s deep, itself the first', async (_, nested) => {
    const metadata = { deep: nested(9) };
    expect((await create(metadata)).metadata).toEqual(metadata);
    expect(await fieldsOf(create({ fine: 1, deep: nested(10) }))).toEqual(['metadata.deep']);
  });

  it('has finite numbers only and no U+0000, in whatever depth', async () => {
    const bad = { a: NaN, b: [Infinity], c: { d: [-Infinity] }, e: '\0', f: { 'g\0': 1 }, h: 1e308 };
    expect(await fieldsOf(create(bad))).toEqual(['a', 'b', 'c', 'e', 'f'].map((key) => `metadata.${key}`));
  });
});
