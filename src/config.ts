/** Everything that can be set from outside, read once at start. All of it comes from the environment, see README.md. */
export type Config = {
  readonly production: boolean;
  readonly database: { readonly url: string; readonly poolSize: number; readonly statementNames: boolean };
  readonly host: string;
  readonly port: number;
  readonly httpPort: number | 'off';
  /** Absent: no Kafka; events stay in the log. */
  readonly kafka: KafkaConfig | undefined;
  readonly relay: boolean;
  readonly eventSource: string;
  readonly eventRetentionDays: number;
  readonly idempotencyRetentionHours: number;
  /** The first signs, all verify; at least 32 bytes each. */
  readonly tokenSecrets: readonly [string, ...string[]];
  readonly bcryptCost: number;
  readonly passwordMinLength: number;
  readonly loginMaxFailures: number;
  readonly loginLockSeconds: number;
  readonly tls:
    { readonly certFile: string; readonly keyFile: string; readonly clientCaFile: string | undefined } | undefined;
  readonly authPolicyFile: string | undefined;
  readonly authJwtKeysFile: string | undefined;
  readonly shutdownDelayMs: number;
  readonly shutdownGraceMs: number;
  readonly logLevel: string;
};

export type KafkaConfig = {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl: boolean;
  readonly sasl:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
        readonly username: string;
        readonly password: string;
      }
    | undefined;
  readonly topicPrefix: string;
  readonly createTopics: boolean;
  readonly partitions: number;
};
