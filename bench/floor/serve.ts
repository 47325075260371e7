import {
  Server,
  ServerCredentials,
  status,
  type handleUnaryCall,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { CustomerServiceService } from '../../src/gen/customer/v1/customer';
import { addAddress, updateBillingAddress } from './addresses';
import { createCustomer, getCustomer, updateCustomer } from './customers';

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

const handlers: UntypedServiceImplementation = {
  getCustomer: unary(getCustomer),
  createCustomer: unary(createCustomer),
  updateCustomer: unary(updateCustomer),
  addAddress: unary(addAddress),
  updateBillingAddress: unary(updateBillingAddress),
};

const server = new Server();
const methods = Object.entries(CustomerServiceService).filter(([name]) => name in handlers);
server.addService(Object.fromEntries(methods), handlers);
server.bindAsync(`127.0.0.1:${process.env['PORT'] ?? '0'}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
});
process.on('SIGTERM', () => process.exit(0));
