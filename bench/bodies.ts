import {
  AddAddressRequest,
  AuthenticateCustomerRequest,
  CreateCustomerRequest,
  GetCustomerRequest,
  UpdateBillingAddressRequest,
  UpdateCustomerRequest,
} from '../src/gen/customer/v1/customer';

/** How many customers a database of the benches of single calls holds; their ids are `idOf(0 … CUSTOMERS - 1)`. */
export const CUSTOMERS = 10_000;

export const idOf = (n: number): string => `cus_${String(n % CUSTOMERS).padStart(26, '0')}`;

/** Stands in a message that is encoded once, and is overwritten in place with the number of each call. */
const NUMBER = '9999999';

const counted = (message: Uint8Array): ((n: number) => Uint8Array) => {
  const template = Buffer.from(message);
  const places: number[] = [];
  for (let at = template.indexOf(NUMBER); at !== -1; at = template.indexOf(NUMBER, at + 1)) places.push(at);
  return (n) => {
    const digits = String(n).padStart(NUMBER.length, '0');
    for (const place of places) template.write(digits, place, 'latin1');
    return template;
  };
};

const perCustomer = (encode: (id: string, n: number) => Uint8Array): ((n: number) => Uint8Array) => {
  // In an order that no index likes.
  const all = Array.from({ length: CUSTOMERS }, (_, n) => counted(encode(idOf(n * 7_919), n)));
  return (n) => all[n % CUSTOMERS]?.(n) ?? new Uint8Array();
};

/** Another one for each run and number. */
const addressOf = (run: string) => ({
  first_name: 'Anna',
  last_name: 'Jensen',
  address_1: `Nørregade ${run} ${NUMBER}`,
  city: 'København K',
  country_code: 'dk',
  postal_code: '1165',
  phone: '+45 12 34 56 78',
});

/**
 * The loads: the nth request of each, encoded. `run` makes what one run writes its own, request_ids too, so that every
 * call changes something. A request is valid until the next one is asked for.
 */
export const BODIES = {
  GetCustomer: () => perCustomer((id) => GetCustomerRequest.encode(GetCustomerRequest.fromPartial({ id })).finish()),
  CreateCustomer: (run: string) =>
    counted(
      CreateCustomerRequest.encode(
        CreateCustomerRequest.fromPartial({
          email: `${run}-x${NUMBER}@example.com`,
          first_name: 'Anna',
          last_name: 'Jensen',
          phone: '+45 12 34 56 78',
          metadata: { source: 'bench', visits: 3 },
          request_id: `${run}-x${NUMBER}`,
        }),
      ).finish(),
    ),
  UpdateCustomer: (run: string) =>
    perCustomer((id, n) =>
      UpdateCustomerRequest.encode(
        UpdateCustomerRequest.fromPartial({
          id,
          first_name: `Anna ${run} x${NUMBER}`,
          metadata: { visits: n },
          request_id: `${run}-x${NUMBER}`,
        }),
      ).finish(),
    ),
  AddAddress: (run: string) =>
    perCustomer((customer_id) =>
      AddAddressRequest.encode(
        AddAddressRequest.fromPartial({ customer_id, address: addressOf(run), request_id: `${run}-x${NUMBER}` }),
      ).finish(),
    ),
  UpdateBillingAddress: (run: string) =>
    perCustomer((customer_id) =>
      UpdateBillingAddressRequest.encode(
        UpdateBillingAddressRequest.fromPartial({
          customer_id,
          target: { target: { $case: 'address', value: addressOf(run) } },
          request_id: `${run}-x${NUMBER}`,
        }),
      ).finish(),
    ),
  AuthenticateCustomer: () => {
    const all = Array.from({ length: CUSTOMERS }, (_, n) =>
      AuthenticateCustomerRequest.encode(
        AuthenticateCustomerRequest.fromPartial({ email: `filled-${n}@example.com`, password: 'correct horse' }),
      ).finish(),
    );
    return (n: number) => all[n % CUSTOMERS] ?? new Uint8Array();
  },
} as const satisfies Record<string, (run: string) => (n: number) => Uint8Array>;

export type Rpc = keyof typeof BODIES;
