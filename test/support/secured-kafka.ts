import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Door } from '../../dev/kafka';
import { freePort } from '../../dev/run';
import { createAuthority } from './certificates';

/** Whom the secured door lets in, by PLAIN and by both kinds of SCRAM. */
export const KAFKA_USER = { name: 'relay', password: 'the password of the relay' } as const;

export type SecuredDoor = {
  readonly door: Door;
  /** Makes the user known to SCRAM. */
  readonly formatArguments: readonly string[];
  /** The authority that signed the broker's certificate; nobody else knows it. */
  readonly caFile: string;
};

const MODULES = 'org.apache.kafka.common.security';

/** A door of Kafka that takes nothing but TLS and a password; its certificates are made anew in a folder. */
export const createSecuredDoor = async (dir: string): Promise<SecuredDoor> => {
  const authority = await createAuthority('Authority of the broker');
  const { key, cert } = await authority.issue('kafka.test');
  const caFile = join(dir, 'kafka-ca.pem');
  const keystore = join(dir, 'kafka-keystore.pem');
  writeFileSync(caFile, authority.cert);
  writeFileSync(keystore, [key, cert, authority.cert].join('\n'), { mode: 0o600 });
  const { name, password } = KAFKA_USER;
  const settings = [
    'ssl.keystore.type=PEM',
    `ssl.keystore.location=${keystore}`,
    'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    `plain.sasl.jaas.config=${MODULES}.plain.PlainLoginModule required user_${name}="${password}";`,
    ...['scram-sha-256', 'scram-sha-512'].map(
      (mechanism) => `${mechanism}.sasl.jaas.config=${MODULES}.scram.ScramLoginModule required;`,
    ),
  ];
  return {
    caFile,
    formatArguments: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name="${name}",password="${password}"]`,
    ]),
    door: {
      name: 'SECURED',
      protocol: 'SASL_SSL',
      port: await freePort(),
      settings: settings.map((line) => `listener.name.secured.${line}`),
    },
  };
};
