import type { Customer } from '../../src/gen/customer/v1/customer';
import type { Told } from './history';
import type { Random } from './random';

/** The change that an answer with a customer tells of. */
export const toldOf = (customer: Customer | undefined): readonly Told[] =>
  customer === undefined ? [] : [{ aggregate_id: customer.id, revision: customer.revision }];

/** One of so few that two customers' addresses, and two of one customer, are often the same. */
export const anyAddress = (random: Random) => ({
  first_name: 'Anna',
  last_name: 'Jensen',
  address_1: `Road ${random.below(40)}`,
  city: 'Aarhus',
  country_code: 'dk',
  postal_code: '8000',
});
