import * as customers from './0001-customers';
import * as search from './0002-search';

/** Every migration in order: a name that never changes once it has landed, and the SQL that it runs. */
export const migrations: readonly { readonly name: string; readonly up: string }[] = [
  { name: '0001-customers', up: customers.up },
  { name: '0002-search', up: search.up },
];
