import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';

/** Who calls: the first URI or DNS name of its client certificate, else its common name; '' without a certificate. */
export const callerOf = (call: Pick<ServerInterceptingCallInterface, 'getAuthContext'>): string => {
  const certificate = call.getAuthContext().sslPeerCertificate;
  if (certificate === undefined) return '';
  const name = /(?:URI|DNS):([^,]+)/.exec(certificate.subjectaltname ?? '')?.[1];
  const commonName: unknown = certificate.subject.CN;
  return name ?? (typeof commonName === 'string' ? commonName : '');
};
