import { status, type handleUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { addAddress, updateBillingAddress } from './addresses';
import { createCustomer, getCustomer, updateCustomer } from './customers';
import { listen } from './listen';

/**
 * The floor: what a careful engineer writes by hand with grpc-js and pg alone. One transaction a call, named
 * statements, a pool of 10, the product's tables with all their indexes, an idempotency row, the same event row; no
 * validation, no log line, no metrics.
 */
const unary =
  <Request, Response>(handler: (request: Request) => Promise<Response>): handleUnaryCall<Request, Response> =>
  (call, callback: sendUnaryData<Response>) => {
    handler(call.request).then(
      (response) => callback(null, response),
      (error: unknown) => callback({ code: status.INTERNAL, details: String(error) }),
    );
  };

listen({
  getCustomer: unary(getCustomer),
  createCustomer: unary(createCustomer),
  updateCustomer: unary(updateCustomer),
  addAddress: unary(addAddress),
  updateBillingAddress: unary(updateBillingAddress),
});
