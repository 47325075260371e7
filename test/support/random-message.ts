import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Random } from './random';

/** Texts that have hurt somebody before, as bytes: not all of them are UTF-8. */
const HOSTILE_TEXTS: readonly Buffer[] = [
  ...[
    '',
    ' ',
    '\0',
    'a\0b',
    '\u200b',
    '\ufeff',
    '\u202e',
    '%',
    '_',
    '\\',
    "'; drop table customers; --",
    '{}',
    'null',
    '__proto__',
    'constructor',
    'İ',
    'ẞ',
    'e\u0301'.repeat(50),
    '😀'.repeat(300),
    'ﷺ'.repeat(100),
    'x'.repeat(10_000),
    '$2b$04$',
    'NaN',
    '-1',
    '99999999999999999999',
    'cus_',
    'cus_81HZZZZZZZZZZZZZZZZZZZZZZZ',
    'a@b',
    '@',
    `${'a'.repeat(64)}@${'b.'.repeat(90)}com`,
    'created_at desc, id',
  ].map((text) => Buffer.from(text)),
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0xc0, 0x80]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xf4, 0x90, 0x80, 0x80]),
];

const HOSTILE_INTS = [0, 1, -1, 2, 100, 1_000, 1_001, 2_147_483_647, -2_147_483_648] as const;
const HOSTILE_LONGS = [0n, 1n, -1n, 253_402_300_800n, -62_135_596_801n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
const HOSTILE_DOUBLES = [0, -0, 1.5, NaN, Infinity, -Infinity, 1e308, 5e-324, Number.MAX_SAFE_INTEGER + 2];

/** Texts that are right for a field, by its name; undefined where nothing is known of it. */
export type Plausible = (field: string, message: string) => string | undefined;

/** Makes the bytes of a message at random, mostly plausible and now and then hostile, out of its descriptor alone. */
export const createMessages = (random: Random, plausible: Plausible): ((message: DescMessage) => Uint8Array) => {
  const text = (field: DescField): Uint8Array => {
    const known = random.chance(1 - hostility) ? plausible(field.name, field.parent.name) : undefined;
    return known === undefined ? random.pick(HOSTILE_TEXTS) : Buffer.from(known);
  };

  const scalar = (writer: BinaryWriter, number: number, type: ScalarType, field: DescField): void => {
    switch (type) {
      case ScalarType.STRING:
        writer.tag(number, WireType.LengthDelimited).bytes(text(field));
        break;
      case ScalarType.BYTES:
        writer.tag(number, WireType.LengthDelimited).bytes(random.pick(HOSTILE_TEXTS));
        break;
      case ScalarType.DOUBLE:
        writer
          .tag(number, WireType.Bit64)
          .double(random.pick(HOSTILE_DOUBLES.slice(0, hostility === 0 ? 3 : undefined)));
        break;
      case ScalarType.INT64:
      case ScalarType.UINT64:
        writer.tag(number, WireType.Varint).int64(random.pick(HOSTILE_LONGS.slice(0, hostility === 0 ? 2 : undefined)));
        break;
      case ScalarType.BOOL:
      case ScalarType.INT32:
      case ScalarType.UINT32:
        writer.tag(number, WireType.Varint).int32(random.pick(HOSTILE_INTS.slice(0, hostility === 0 ? 2 : undefined)));
        break;
      default:
        throw new Error(`${field.toString()} is of a type that no message of ours had: teach it to this file`);
    }
  };

  const value = (writer: BinaryWriter, field: DescField, depth: number): void => {
    if (field.message !== undefined) {
      writer.tag(field.number, WireType.LengthDelimited).bytes(message(field.message, depth + 1));
    } else if (field.enum !== undefined) {
      const known = field.enum.values.map((one) => one.number);
      writer
        .tag(field.number, WireType.Varint)
        .int32(random.chance(1 - hostility) ? random.pick(known) : random.pick([99, -1]));
    } else {
      scalar(writer, field.number, field.scalar, field);
    }
  };

  const mapEntry = (writer: BinaryWriter, field: DescField & { readonly fieldKind: 'map' }, depth: number): void => {
    const entry = new BinaryWriter();
    scalar(entry, 1, field.mapKey, field);
    if (field.message === undefined) scalar(entry, 2, field.scalar ?? ScalarType.STRING, field);
    else entry.tag(2, WireType.LengthDelimited).bytes(message(field.message, depth + 1));
    writer.tag(field.number, WireType.LengthDelimited).bytes(entry.finish());
  };

  /** How often this message holds something that is wrong for its field. */
  let hostility = 0;
  /** Fields that this message may still get: what contains itself would go on for ever. */
  let budget = 0;

  const howMany = (): number => (random.chance(hostility / 10) ? 1_001 : random.below(4));

  const isSet = (field: DescField, depth: number): boolean => {
    if (depth > 3) return random.chance(0.15);
    if (field.oneof !== undefined) return random.chance(0.4);
    if (hostility > 0) return random.chance(0.5);
    return random.chance(field.fieldKind === 'message' ? 0.4 : 0.9);
  };

  const message = (desc: DescMessage, depth = 0): Uint8Array => {
    const writer = new BinaryWriter();
    for (const field of desc.fields.filter((one) => isSet(one, depth))) {
      budget -= 1;
      if (budget < 0) break;
      if (field.fieldKind === 'map') for (let n = random.below(4); n > 0; n -= 1) mapEntry(writer, field, depth);
      else if (field.fieldKind === 'list') for (let n = howMany(); n > 0; n -= 1) value(writer, field, depth);
      else value(writer, field, depth);
    }
    return writer.finish();
  };

  return (desc) => {
    budget = 3_000;
    hostility = random.pick([0, 0, 0, 0.1, 0.6]);
    return message(desc);
  };
};
