import { anAddress } from './address';
import type { TestService } from './service';

/** Texts that stand nowhere else. */
export const PERSON = {
  email: 'zwetschge@first.example',
  secondEmail: 'mirabelle@second.example',
  first_name: 'Quittenapfel',
  last_name: 'Sanddornsaft',
  phone: '+49-555-0199-771',
  external_id: 'holunder-77',
  note: 'schlehengeist',
  street: 'Vogelbeerweg 17',
  secondStreet: 'Kornelkirschplatz 3',
} as const;
/** Every text of the person, as it was given and as it is compared. */
export const needles = Object.values(PERSON).flatMap((text) => [text, text.replaceAll('-', '')]);

/** How the person was created. */
export const PERSON_CREATED = {
  email: PERSON.email,
  password: 'long enough',
  first_name: PERSON.first_name,
  last_name: PERSON.last_name,
  phone: PERSON.phone,
  external_id: PERSON.external_id,
  metadata: { note: PERSON.note },
  addresses: [anAddress({ address_1: PERSON.street })],
  request_id: 'person-create',
};

/** Somebody who has left traces everywhere. */
export const newPerson = async (service: Pick<TestService, 'client'>) => {
  const { customer } = await service.client.call('createCustomer', PERSON_CREATED);
  const id = customer!.id;
  const added = await service.client.call('addAddress', {
    customer_id: id,
    address: anAddress({ address_1: PERSON.secondStreet }),
    request_id: 'person-add',
  });
  await service.client.call('updateBillingAddress', {
    customer_id: id,
    target: { target: { $case: 'address_id', value: added.address!.id } },
    request_id: 'person-billing',
  });
  await service.client.call('updateCustomer', { id, email: PERSON.secondEmail, request_id: 'person-update' });
  await service.client.call('removeAddress', { customer_id: id, id: added.address!.id });
  await service.client.call('authenticateCustomer', { email: PERSON.secondEmail, password: 'wrong one' });
  const { customer_group: group } = await service.client.call('createCustomerGroup', { name: `group of ${id}` });
  await service.client.call('addCustomersToGroup', { id: group!.id, customer_ids: [id], request_id: 'person-join' });
  await service.client.call('generateResetPasswordToken', { customer_id: id, request_id: 'person-token' });
  await service.client.call('mutateCustomers', {
    operations: [{ operation: { $case: 'update_customer', value: { id, first_name: PERSON.first_name } } }],
    request_id: 'person-mutate',
  });
  return { id, group_id: group!.id };
};
