import { generate } from 'selfsigned';

export type Pair = { readonly key: string; readonly cert: string };

/** An authority that signs certificates for 127.0.0.1 and for callers. */
export type Authority = Pair & { readonly issue: (commonName: string) => Promise<Pair> };

const nameOf = (commonName: string) => [{ name: 'commonName', value: commonName }];

export const createAuthority = async (name: string): Promise<Authority> => {
  const own = await generate(nameOf(name), {
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const ca: Pair = { key: own.private, cert: own.cert };
  return {
    ...ca,
    issue: async (commonName) => {
      const signed = await generate(nameOf(commonName), {
        ca,
        extensions: [
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          {
            name: 'subjectAltName',
            altNames: [
              { type: 2, value: commonName },
              { type: 7, ip: '127.0.0.1' },
            ],
          },
        ],
      });
      return { key: signed.private, cert: signed.cert };
    },
  };
};
