import { besideFloor } from '../beside-floor';

/** Changes of what belongs to a customer. */
export const writes = besideFloor({ AddAddress: 1.5, UpdateCustomer: 1.5, UpdateBillingAddress: 1.5 });
