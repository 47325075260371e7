import { Server, ServerCredentials, type handleUnaryCall, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { CustomerServiceService, type Customer } from '../../src/gen/customer/v1/customer';
import { toCustomer } from '../../src/models/customer';
import { customerRow } from '../people';

/** The ceiling: grpc-js alone, that answers every call with the same customer at once. Nothing behind it is faster. */
const answer: { readonly customer: Customer } = { customer: toCustomer(customerRow(0, 1)) };
const handler: handleUnaryCall<unknown, typeof answer> = (_call, callback) => callback(null, answer);

const handlers: UntypedServiceImplementation = {
  getCustomer: handler,
  createCustomer: handler,
  updateCustomer: handler,
};

const server = new Server();
const methods = Object.entries(CustomerServiceService).filter(([name]) => name in handlers);
server.addService(Object.fromEntries(methods), handlers);
server.bindAsync(`127.0.0.1:${process.env['PORT'] ?? '0'}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
});
process.on('SIGTERM', () => process.exit(0));
