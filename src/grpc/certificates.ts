import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { experimental, ServerCredentials } from '@grpc/grpc-js';
import type { Config } from '../config';
import type { Logger } from '../logger';
import { messageOf } from '../errors';

type Files = NonNullable<Config['tls']>;

type Certificates = { readonly identity: Identity; readonly clientCa: ClientCa | undefined };
type Identity = { readonly certificate: Buffer; readonly privateKey: Buffer };
type ClientCa = { readonly caCertificate: Buffer };

const LOOK_EVERY_MS = 5_000;

/** Throws for files that are not there and for a key that is not the certificate's. */
const readCertificates = ({ certFile, keyFile, clientCaFile }: Files): Certificates => {
  const identity = { certificate: readFileSync(certFile), privateKey: readFileSync(keyFile) };
  const clientCa = clientCaFile === undefined ? undefined : { caCertificate: readFileSync(clientCaFile) };
  createSecureContext({ cert: identity.certificate, key: identity.privateKey, ca: clientCa?.caCertificate });
  return { identity, clientCa };
};

const isSame = (a: Certificates, b: Certificates): boolean =>
  a.identity.certificate.equals(b.identity.certificate) &&
  a.identity.privateKey.equals(b.identity.privateKey) &&
  (a.clientCa?.caCertificate.equals(b.clientCa?.caCertificate ?? Buffer.alloc(0)) ?? true);

/**
 * The library's own watcher has no certificate at first, and none again while one file of a pair has been replaced and
 * the other not yet: connections fail meanwhile. This one starts with what is there, and keeps it until all fit again.
 */
const watchCertificates = (files: Files, log: Logger): experimental.CertificateProvider => {
  let current = readCertificates(files);
  let isFaulty = false;
  const identityListeners = new Set<experimental.IdentityCertificateUpdateListener>();
  const caListeners = new Set<experimental.CaCertificateUpdateListener>();
  let timer: NodeJS.Timeout | undefined;

  const look = (): void => {
    try {
      const found = readCertificates(files);
      isFaulty = false;
      if (isSame(found, current)) return;
      current = found;
      for (const listener of caListeners) listener(current.clientCa ?? null);
      for (const listener of identityListeners) listener(current.identity);
      log.info('the certificates have changed');
    } catch (error) {
      if (!isFaulty) log.warn({ err: error }, 'the new certificates cannot be used, keeping the old ones');
      isFaulty = true;
    }
  };
  const watch = (): void => {
    timer ??= setInterval(look, LOOK_EVERY_MS).unref();
  };
  const unwatch = (): void => {
    if (identityListeners.size + caListeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  return {
    addIdentityCertificateListener: (listener) => {
      identityListeners.add(listener);
      process.nextTick(listener, current.identity);
      watch();
    },
    addCaCertificateListener: (listener) => {
      caListeners.add(listener);
      process.nextTick(listener, current.clientCa ?? null);
      watch();
    },
    removeIdentityCertificateListener: (listener) => {
      identityListeners.delete(listener);
      unwatch();
    },
    removeCaCertificateListener: (listener) => {
      caListeners.delete(listener);
      unwatch();
    },
  };
};

/**
 * TLS, with a client CA mTLS; without files no encryption at all. Files that are replaced are used for new connections.
 * Throws for certificates that cannot be used, naming the variables.
 */
export const serverCredentials = ({ tls }: Pick<Config, 'tls'>, log: Logger): ServerCredentials => {
  if (tls === undefined) return ServerCredentials.createInsecure();
  try {
    const certificates = watchCertificates(tls, log);
    const hasCa = tls.clientCaFile !== undefined;
    return experimental.createCertificateProviderServerCredentials(certificates, hasCa ? certificates : null, hasCa);
  } catch (error) {
    const reason = messageOf(error);
    throw new Error(`TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE cannot be used: ${reason}`, { cause: error });
  }
};
