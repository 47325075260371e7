/** A sound address; what is given replaces its fields. */
export const anAddress = (changes: object = {}) => ({
  first_name: 'Anna',
  last_name: 'Jensen',
  address_1: 'Strandvejen 1',
  city: 'København',
  country_code: 'dk',
  postal_code: '2100',
  ...changes,
});
