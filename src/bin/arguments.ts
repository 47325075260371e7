import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Target } from '../grpc/client';
import { messageOf } from '../errors';

/** The flags that say how to reach the service. */
export const TARGET_FLAGS = {
  target: { type: 'string', default: '127.0.0.1:50051' },
  tls: { type: 'boolean', default: false },
  'tls-ca': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies ParseArgsConfig['options'];

export const TARGET_USAGE = `  --target HOST:PORT   the service (default 127.0.0.1:50051)
  --tls                encrypt, trusting the certificates that Node trusts
  --tls-ca FILE        encrypt, trusting this certificate (PEM)
  --tls-cert FILE, --tls-key FILE   a certificate of this client's own (mTLS)
  -h, --help           this text`;

/** What is wrong with the arguments, for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The flags of a command line. Throws UsageError for what is unknown, out of place or malformed. */
export const readFlags = <Flags extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Flags,
) => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false, strict: true }).values;
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error });
  }
};

type TargetValues = {
  readonly target: string;
  readonly tls: boolean;
  readonly 'tls-ca'?: string | undefined;
  readonly 'tls-cert'?: string | undefined;
  readonly 'tls-key'?: string | undefined;
};

/** Throws UsageError for an address that is none, and for one of certificate and key without the other. */
export const targetOf = (values: TargetValues): Target => {
  if (!/^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/.test(values.target)) {
    throw new UsageError(`--target must be HOST:PORT, not ${values.target}`);
  }
  if ((values['tls-cert'] === undefined) !== (values['tls-key'] === undefined)) {
    throw new UsageError('--tls-cert and --tls-key go together');
  }
  return {
    address: values.target,
    tls: values.tls,
    caFile: values['tls-ca'],
    certFile: values['tls-cert'],
    keyFile: values['tls-key'],
  };
};
