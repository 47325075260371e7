import { CustomerServiceService } from '../gen/customer/v1/customer';
import { createCustomer } from './customer/create-customer';
import { deleteCustomer } from './customer/delete-customer';
import { getCustomer } from './customer/get-customer';
import { updateCustomer } from './customer/update-customer';
import type { RpcService } from './rpc-service';

/** Everything that can be called: a new rpc is one line here. */
export const services: readonly RpcService[] = [
  {
    definition: CustomerServiceService,
    unary: { createCustomer, getCustomer, updateCustomer, deleteCustomer },
  },
];
