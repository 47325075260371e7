/**
 * Sends a mail for each token to reset a password. Only a mailer may read `customer.password-resets`: whoever reads a
 * token can take over the account (give the topic an ACL of its own).
 *
 *   KAFKA_BROKERS=127.0.0.1:9092 node --import tsx examples/send-reset-mails.ts
 */
import { Kafka, logLevel } from 'kafkajs';

type Reset = {
  readonly id: string;
  readonly token: string;
  readonly expires_at: string;
  readonly customer: { readonly email: string; readonly first_name?: string };
};

export type Mail = { readonly to: string; readonly name: string | undefined; readonly token: string };

type Options = { readonly brokers: readonly string[]; readonly topicPrefix?: string; readonly groupId: string };

/** Sends each mail once, as far as `wasSent` remembers; one that has expired meanwhile is of no use to anybody. */
export const sendResetMails = async (
  send: (mail: Mail) => Promise<void>,
  { brokers, topicPrefix = '', groupId }: Options,
): Promise<() => Promise<void>> => {
  // In a real mailer a table: the id of an event is the same on every delivery.
  const wasSent = new Set<string>();
  const consumer = new Kafka({ clientId: 'mailer', brokers: [...brokers], logLevel: logLevel.WARN }).consumer({
    groupId,
  });
  await consumer.connect();
  await consumer.subscribe({ topic: `${topicPrefix}customer.password-resets`, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      const { id, token, expires_at, customer } = JSON.parse(message.value?.toString() ?? '{}') as Reset;
      if (wasSent.has(id) || Date.parse(expires_at) < Date.now()) return;
      await send({ to: customer.email, name: customer.first_name, token });
      wasSent.add(id);
    },
  });
  return () => consumer.disconnect();
};

if (require.main === module) {
  const brokers = (process.env['KAFKA_BROKERS'] ?? '127.0.0.1:9092').split(',');
  void sendResetMails(async ({ to }) => console.log(`to ${to}: reset your password by …`), {
    brokers,
    groupId: 'mailer',
  });
}
