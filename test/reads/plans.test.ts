import { createKnex } from '../../src/db/knex';
import { createReads } from '../../src/reads/reads';
import { createRelations } from '../../src/reads/relations';
import { createTestDatabase } from '../support/database';
import { scansAstray } from '../support/plans';

it('by key looks up by index in plans that are made while every table is empty and then kept', async () => {
  const database = await createTestDatabase();
  const knex = createKnex({ url: database.url, poolSize: 5, statementNames: true });
  const texts = new Map<string, string>();
  knex.on('query', ({ sql, options }: { sql: string; options?: { name?: string } }) => {
    if (options?.name !== undefined) texts.set(options.name, sql);
  });
  try {
    const reads = createReads(knex, 5);
    const owner = { id: 'cus_1', billing_address_id: 'addr_1', shipping_address_id: null, deleted_at: null };
    await Promise.all([
      reads.customer('cus_1'),
      reads.customersByEmail('a@example.com'),
      reads.customerByPhone('+45'),
      reads.customerByExternalId('x'),
      reads.group('cusgroup_1'),
      reads.addressesOf('cus_1'),
      createRelations(knex)(owner, new Set(['groups', 'billing_address'])),
    ]);
    expect(texts.size).toBe(8);
    for (const [name, text] of texts) expect([name, await scansAstray(database, text)]).toEqual([name, []]);
  } finally {
    await knex.destroy();
    await database.drop();
  }
});
