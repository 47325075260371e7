import { besideFloor } from '../beside-floor';

/** Single calls, as many as 64 callers make. */
export const calls = besideFloor({ GetCustomer: 2, CreateCustomer: 2.5, UpdateCustomer: 2.5 }, [
  'product, relay off',
  'grpc-js alone',
]);
