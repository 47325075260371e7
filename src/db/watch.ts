import { Client } from 'pg';
import { cutOff } from './silence';

const EVERY_MS = 1_000;
const ANSWER_WITHIN_MS = 1_000;

/**
 * Asks the database once a second whether it is there, and tells what it heard; answers how to end it. On a connection
 * of its own: one that hangs takes none from the calls, and a pool that is busy is no database that is away.
 */
export const watchDatabase = (url: string, tell: (isThere: boolean) => void): (() => void) => {
  let client: Client | undefined;
  let isAsking = false;

  const connect = async (): Promise<void> => {
    client = new Client({
      connectionString: url,
      application_name: 'customer-watch',
      connectionTimeoutMillis: ANSWER_WITHIN_MS,
      query_timeout: ANSWER_WITHIN_MS,
    });
    client.on('error', () => undefined);
    await client.connect();
  };

  const drop = (): void => {
    if (client !== undefined) cutOff(client);
    client = undefined;
  };

  const ask = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    try {
      if (client === undefined) await connect();
      await client?.query('select 1');
      tell(true);
    } catch {
      drop();
      tell(false);
    }
    isAsking = false;
  };

  const timer = setInterval(() => void ask(), EVERY_MS);
  return () => {
    clearInterval(timer);
    drop();
  };
};
