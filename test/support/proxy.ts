import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A network between two parts that can fail: carries bytes from its own port to another one of this machine. */
export type Proxy = {
  readonly port: number;
  /** Breaks every connection there is, as when a cable is pulled and a reset comes back. */
  readonly cut: () => void;
  /** Holds every byte back, those of new connections too, until the answer is called; then all of it arrives, late. */
  readonly stall: () => () => void;
  /** The connections there are carry nothing any more, for ever, and nobody is told; new ones work. */
  readonly mute: () => void;
  /** Every piece of data comes later by this much; 0 ends it. */
  readonly delayBy: (ms: number) => void;
  /** How often the near side has spoken after the far side had, since the start. */
  readonly roundTrips: () => number;
  readonly close: () => Promise<void>;
};

type Link = { readonly sockets: readonly [Socket, Socket]; isMuted: boolean };

const NEVER = new Promise<never>(() => undefined);

/** Starts one in front of a port, which need not be open yet. */
export const startProxy = async (targetPort: number, ownPort = 0): Promise<Proxy> => {
  const links = new Set<Link>();
  let released: Promise<void> | undefined;
  let latencyMs = 0;
  let roundTrips = 0;
  let hasFarSpoken = true;

  const carry = async (from: Socket, to: Socket, link: Link): Promise<void> => {
    const isFar = from === link.sockets[1];
    for await (const chunk of from as AsyncIterable<Buffer>) {
      if (hasFarSpoken && !isFar) roundTrips += 1;
      hasFarSpoken = isFar;
      if (latencyMs > 0) await delay(latencyMs);
      while (released !== undefined) await released;
      if (link.isMuted) await NEVER;
      if (!to.write(chunk)) await once(to, 'drain');
    }
    to.end();
  };

  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    const link: Link = { sockets: [near, far], isMuted: false };
    links.add(link);
    const end = (): void => {
      links.delete(link);
      near.destroy();
      far.destroy();
    };
    for (const socket of link.sockets) socket.on('error', () => (link.isMuted ? undefined : end()));
    void Promise.all([carry(near, far, link), carry(far, near, link)]).then(end, end);
  });
  server.listen(ownPort, '127.0.0.1');
  await once(server, 'listening');

  const cut = (): void => {
    for (const { sockets } of links) for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    stall: () => {
      let release = (): void => undefined;
      released = new Promise((resolve) => (release = resolve));
      return () => {
        released = undefined;
        release();
      };
    },
    mute: () => {
      for (const link of links) link.isMuted = true;
    },
    delayBy: (ms) => (latencyMs = ms),
    roundTrips: () => roundTrips,
    close: async () => {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
};

/** Starts one in front of a database; the url is that of the database through it. */
export const startDatabaseProxy = async (
  databaseUrl: string,
): Promise<{ readonly proxy: Proxy; readonly url: string }> => {
  const { port } = new URL(databaseUrl);
  const proxy = await startProxy(Number(port));
  return { proxy, url: databaseUrl.replace(`:${port}/`, `:${proxy.port}/`) };
};
