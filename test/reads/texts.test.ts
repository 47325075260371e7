import fc from 'fast-check';
import knexFactory from 'knex';
import { CustomerFilter } from '../../src/gen/customer/v1/customer';
import { fold, searchText } from '../../src/models/fold';
import type { RarityIn } from '../../src/reads/customer-query/pieces';
import { conditionsOf } from '../../src/reads/customer-query/conditions';
import type { Purpose } from '../../src/reads/customer-query/texts';
import { concat, every, run, sql } from '../../src/reads/sql';
import { customerFilter } from '../../src/validation/customer-filter';
import { createTestDatabase } from '../support/database';

/** Few letters, so that parts of one text are in others, too. */
const letters = fc.stringMatching(/^[abłß0]{1,3}$/);
const words = fc.array(letters, { minLength: 1, maxLength: 3 });
const joint = fc.constantFrom('.', '-', '@', '’', '--');
const joined = fc.tuple(words, joint).map(([all, between]) => all.join(between));
const named = fc.tuple(words, fc.constantFrom(' ', '.', '-')).map(([all, between]) => all.join(between));

const term = fc.oneof(joined, letters);
const filter = fc.oneof(
  fc.array(term, { minLength: 1, maxLength: 3 }).map((terms) => ({ q: terms.join(' ') })),
  fc
    .tuple(
      fc.constantFrom('email', 'first_name', 'last_name', 'phone'),
      fc.constantFrom('contains', 'ends_with', 'starts_with'),
      named.filter((part) => part.length >= 3),
    )
    .map(([field, operator, part]) => ({ [field]: { [operator]: part } })),
);

/** As if there were very many customers, and any piece as rare as it pleases. */
const anyRarity = (seed: number): RarityIn => {
  const hash = (text: string) => Array.from(text).reduce((sum, one) => (sum * 31 + one.codePointAt(0)!) % 997, seed);
  return (column) => ({ texts: 10_000_000, having: (piece) => 20_000 * (1 + (hash(column + piece) % 300)) });
};

it('an index finds whom a look at every customer finds, whatever is rare', async () => {
  const database = await createTestDatabase();
  const knex = knexFactory({ client: 'pg', connection: database.url, pool: { min: 0, max: 1 } });
  try {
    const people = fc.sample(fc.tuple(joined, named, named, named), { numRuns: 300, seed: 4 });
    for (const [index, [email, first_name, last_name, phone]] of people.entries()) {
      await database.query(
        `insert into customers (id, email, first_name, last_name, phone, first_name_folded, last_name_folded, phone_folded,
           search_text, revision, created_at, updated_at, occurred_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, now(), now(), now())`,
        [
          String(index),
          `${email}${index}`,
          first_name,
          last_name,
          phone,
          fold(first_name),
          fold(last_name),
          fold(phone),
          searchText({ email: `${email}${index}`, first_name, last_name, phone }),
        ],
      );
    }
    await knex.raw('set enable_seqscan = off');
    let found = 0;
    await fc.assert(
      fc.asyncProperty(filter, fc.nat(996), async (asked, seed) => {
        const parsed = customerFilter().parse(CustomerFilter.fromPartial(asked));
        const idsOf = async (purpose: Purpose): Promise<string[]> => {
          const rows = await run<{ id: string }>(
            knex,
            concat(
              sql('select id from customers where deleted_at is null and'),
              every(conditionsOf(parsed, purpose)),
              sql('order by id'),
            ),
          );
          return rows.map(({ id }) => id);
        };
        const expected = await idsOf('checking');
        found += expected.length;
        expect(await idsOf(anyRarity(seed))).toEqual(expected);
      }),
      { numRuns: 1_500 },
    );
    expect(found).toBeGreaterThan(10_000);
  } finally {
    await knex.destroy();
    await database.drop();
  }
}, 60_000);
