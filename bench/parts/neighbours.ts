import { setTimeout as delay } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import { CustomerServiceService, UpdateCustomerRequest } from '../../src/gen/customer/v1/customer';
import { fillCustomers } from '../beside-floor';
import { idOf } from '../bodies';
import type { Part } from '../part';
import { load, PRODUCT, withClient } from '../stage';

const RATE = 500;
const CALLERS = 16;
/** From one call of a caller to its next, unless that one has not ended. */
const EVERY_MS = 40;
const HURRIED_MS = 5;
const PATIENT_MS = 10_000;
/** The steady load comes to it after 7,679 calls, so not at all. */
const HELD = idOf(1);

type Calls = { readonly answered: number; readonly late: number };

/** Callers that update, each one call at a time; `stop` resolves once the last call has ended. */
const startCallers = (port: number, deadlineMs: number, idOfCall: (n: number) => string) => {
  const { path, requestSerialize, responseDeserialize } = CustomerServiceService.updateCustomer;
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  let isStopped = false;
  let [answered, late, next] = [0, 0, 0];
  const call = (request: UpdateCustomerRequest): Promise<void> =>
    new Promise((resolve) => {
      const deadline = Date.now() + deadlineMs;
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, (error) => {
        if (error === null) answered += 1;
        else late += 1;
        resolve();
      });
    });
  const loop = async (): Promise<void> => {
    for (; !isStopped; next += 1) {
      const request = UpdateCustomerRequest.fromPartial({ id: idOfCall(next), first_name: `Name ${next}` });
      await Promise.all([call(request), delay(EVERY_MS)]);
    }
  };
  const running = Promise.all(Array.from({ length: CALLERS }, loop));
  return {
    stop: async (): Promise<Calls> => {
      isStopped = true;
      await running;
      client.close();
      return { answered, late };
    },
  };
};

/** What a steady load sees while others do what must not concern it. */
export const neighbours: Part = async ({ settings: { seconds }, results, stage, print }) => {
  const rows = await results.once('neighbours', async () => {
    const theStage = await stage();
    const url = await theStage.database('neighbours');
    await withClient(url, fillCustomers);
    const server = await theStage.server('product', PRODUCT, { DATABASE_URL: url });
    const steady = (run: string) => load(server, { rpc: 'UpdateCustomer', seconds: 2 * seconds, run, rate: RATE });
    const beside = async (run: string, deadlineMs: number, idOfCall: (n: number) => string) => {
      const callers = startCallers(server.port, deadlineMs, idOfCall);
      const seen = await steady(run);
      return { ...seen, ...(await callers.stop()) };
    };
    const besideNobody = async (run: string) => ({ ...(await steady(run)), answered: 0, late: 0 });
    await load(server, { rpc: 'UpdateCustomer', seconds: 2 * seconds, run: 'warm' });
    const alone = await besideNobody('alone');
    const held = await withClient(url, async (client) => {
      await client.query('begin');
      await client.query('select from customers where id = $1 for update', [HELD]);
      return beside('held', PATIENT_MS, () => HELD);
    });
    const patient = await beside('patient', PATIENT_MS, idOf);
    const hurried = await beside('hurried', HURRIED_MS, idOf);
    const again = await besideNobody('again');
    await theStage.stop(server);
    await theStage.drop('neighbours');
    return [
      ['nobody', alone],
      [`${CALLERS} callers who want one customer, whose row a session holds`, held],
      [`${CALLERS} callers with time`, patient],
      [`${CALLERS} callers with deadlines of ${HURRIED_MS} ms`, hurried],
      ['nobody, again', again],
    ] as const;
  });
  print(
    `UpdateCustomer, ${RATE} calls a second of customers by turns, while others call beside it, each of them every ${EVERY_MS} ms.\n`,
  );
  print('| beside | p50 ms | p99 ms | errors | answered to them | too late for them |');
  print('| --- | ---: | ---: | ---: | ---: | ---: |');
  for (const [name, { p50, p99, errors, answered, late }] of rows)
    print(`| ${name} | ${p50} | ${p99} | ${errors} | ${answered} | ${late} |`);
};
