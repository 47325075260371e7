/** Every type of event there is. */
export const CUSTOMER_EVENT_TYPES = [
  'customer.created',
  'customer.updated',
  'customer.registered',
  'customer.password_changed',
  'customer.password_reset',
  'customer.address_added',
  'customer.address_updated',
  'customer.address_removed',
  'customer.group_added',
  'customer.group_removed',
  'customer.deleted',
  'customer.restored',
  'customer.erased',
  'customer.locked',
] as const;

export const GROUP_EVENT_TYPES = [
  'customer_group.created',
  'customer_group.updated',
  'customer_group.deleted',
] as const;

export type CustomerEventType = (typeof CUSTOMER_EVENT_TYPES)[number];
export type GroupEventType = (typeof GROUP_EVENT_TYPES)[number];
export type EventType = CustomerEventType | GroupEventType;
