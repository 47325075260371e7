import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { CustomerServiceService } from '../../src/gen/customer/v1/customer';

/** Serves those methods of CustomerService that have a handler, on PORT, until SIGTERM. */
export const listen = (handlers: UntypedServiceImplementation): void => {
  const server = new Server();
  const methods = Object.entries(CustomerServiceService).filter(([name]) => name in handlers);
  server.addService(Object.fromEntries(methods), handlers);
  server.bindAsync(`127.0.0.1:${process.env['PORT'] ?? '0'}`, ServerCredentials.createInsecure(), (error) => {
    if (error !== null) throw error;
  });
  process.on('SIGTERM', () => process.exit(0));
};
