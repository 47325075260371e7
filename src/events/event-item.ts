import { CustomerEvent, CustomerGroupEvent, type EventItem } from '../gen/customer/v1/customer_event';
import type { LoggedEvent } from './logged-event';

/** An event as the calls answer it, out of the JSON that Kafka gets. An erased one too: what is gone is absent. */
export const eventItem = (event: Pick<LoggedEvent, 'position' | 'aggregate_type' | 'data'>): EventItem => {
  const position = String(event.position);
  const json = { ...(JSON.parse(event.data) as object), position };
  return {
    position,
    event:
      event.aggregate_type === 'customer'
        ? { $case: 'customer_event', value: CustomerEvent.fromJSON(json) }
        : { $case: 'group_event', value: CustomerGroupEvent.fromJSON(json) },
  };
};
