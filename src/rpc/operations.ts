import { addAddress } from './customer/add-address';
import { createCustomer } from './customer/create-customer';
import { deleteCustomer } from './customer/delete-customer';
import type { Operations } from './customer/mutate-customers';
import { removeAddress } from './customer/remove-address';
import { restoreCustomer } from './customer/restore-customer';
import { updateAddress } from './customer/update-address';
import { updateBillingAddress } from './customer/update-billing-address';
import { updateCustomer } from './customer/update-customer';
import { updateShippingAddress } from './customer/update-shipping-address';
import { prepared } from './mutation';

/** What an operation of MutateCustomers can be: the mutation of the same name. */
export const operations: Operations = {
  create_customer: prepared(createCustomer),
  update_customer: prepared(updateCustomer),
  delete_customer: prepared(deleteCustomer),
  restore_customer: prepared(restoreCustomer),
  add_address: prepared(addAddress),
  update_address: prepared(updateAddress),
  remove_address: prepared(removeAddress),
  update_billing_address: prepared(updateBillingAddress),
  update_shipping_address: prepared(updateShippingAddress),
};
