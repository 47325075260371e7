import { CustomerServiceService } from '../gen/customer/v1/customer';
import { CustomerGroupServiceService } from '../gen/customer/v1/customer_group';
import { CustomerEventServiceService } from '../gen/customer/v1/customer_event';
import { getEvent } from './customer-event/get-event';
import { getStreamStatus } from './customer-event/get-stream-status';
import { listEvents } from './customer-event/list-events';
import { replayEvents } from './customer-event/replay-events';
import { encodeWatchEventsResponse, watchEvents } from './customer-event/watch-events';
import { addCustomersToGroup } from './customer-group/add-customers-to-group';
import { createCustomerGroup } from './customer-group/create-customer-group';
import { deleteCustomerGroup } from './customer-group/delete-customer-group';
import { getCustomerGroup } from './customer-group/get-customer-group';
import { listCustomerGroups } from './customer-group/list-customer-groups';
import { removeCustomersFromGroup } from './customer-group/remove-customers-from-group';
import { updateCustomerGroup } from './customer-group/update-customer-group';
import { addAddress } from './customer/add-address';
import { authenticateCustomer } from './customer/authenticate-customer';
import { batchGetCustomers } from './customer/batch-get-customers';
import { changePassword } from './customer/change-password';
import { countCustomers } from './customer/count-customers';
import { createCustomer } from './customer/create-customer';
import { deleteCustomer } from './customer/delete-customer';
import { eraseCustomer } from './customer/erase-customer';
import { exportCustomers } from './customer/export-customers';
import { generateResetPasswordToken } from './customer/generate-reset-password-token';
import { getAddress } from './customer/get-address';
import { getCustomer } from './customer/get-customer';
import { getCustomerByEmail } from './customer/get-customer-by-email';
import { getCustomerByExternalId } from './customer/get-customer-by-external-id';
import { getCustomerByPhone } from './customer/get-customer-by-phone';
import { getRegisteredCustomerByEmail } from './customer/get-registered-customer-by-email';
import { getUnregisteredCustomerByEmail } from './customer/get-unregistered-customer-by-email';
import { importCustomers } from './customer/import-customers';
import { listAddresses } from './customer/list-addresses';
import { listCustomers } from './customer/list-customers';
import { listCustomersByEmail } from './customer/list-customers-by-email';
import { mutateCustomers } from './customer/mutate-customers';
import { removeAddress } from './customer/remove-address';
import { resetPassword } from './customer/reset-password';
import { restoreCustomer } from './customer/restore-customer';
import { updateAddress } from './customer/update-address';
import { updateBillingAddress } from './customer/update-billing-address';
import { updateCustomer } from './customer/update-customer';
import { updateShippingAddress } from './customer/update-shipping-address';
import { mutation } from './mutation';
import { operations } from './operations';
import type { RpcService } from './rpc-service';

/** Everything that can be called: a new rpc is one line here. */
export const services: readonly RpcService[] = [
  {
    definition: CustomerServiceService,
    unary: {
      createCustomer: mutation(createCustomer),
      updateCustomer: mutation(updateCustomer),
      deleteCustomer: mutation(deleteCustomer),
      restoreCustomer: mutation(restoreCustomer),
      eraseCustomer,
      addAddress: mutation(addAddress),
      updateAddress: mutation(updateAddress),
      removeAddress: mutation(removeAddress),
      listAddresses,
      getAddress,
      updateBillingAddress: mutation(updateBillingAddress),
      updateShippingAddress: mutation(updateShippingAddress),
      mutateCustomers: mutateCustomers(operations),
      generateResetPasswordToken,
      resetPassword,
      changePassword,
      authenticateCustomer,
      getCustomer,
      getRegisteredCustomerByEmail,
      getUnregisteredCustomerByEmail,
      getCustomerByEmail,
      getCustomerByPhone,
      getCustomerByExternalId,
      listCustomersByEmail,
      batchGetCustomers,
      listCustomers,
      countCustomers,
    },
    serverStream: { exportCustomers },
    bidiStream: { importCustomers },
    bulk: ['importCustomers', 'exportCustomers'],
  },
  {
    definition: CustomerGroupServiceService,
    unary: {
      getCustomerGroup,
      listCustomerGroups,
      createCustomerGroup: mutation(createCustomerGroup),
      updateCustomerGroup: mutation(updateCustomerGroup),
      deleteCustomerGroup: mutation(deleteCustomerGroup),
      addCustomersToGroup: mutation(addCustomersToGroup),
      removeCustomersFromGroup: mutation(removeCustomersFromGroup),
    },
  },
  {
    definition: CustomerEventServiceService,
    unary: { listEvents, getEvent, getStreamStatus, replayEvents },
    serverStream: { watchEvents },
    encoders: { watchEvents: encodeWatchEventsResponse },
    endless: ['watchEvents'],
  },
];
