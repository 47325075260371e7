import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

type Options = {
  readonly host: string;
  readonly port: number;
  readonly isReady: () => boolean;
  readonly metrics: () => Promise<string>;
};

export type HttpServer = { readonly port: number; readonly stop: () => Promise<void> };

/** `/metrics`, `/livez`, `/readyz`. Throws when the port is busy, naming HTTP_PORT. */
export const startHttp = async ({ host, port, isReady, metrics }: Options): Promise<HttpServer> => {
  const server: Server = createServer((request, response) => {
    const answer = (status: number, body: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(body);
    };
    if (request.url === '/livez') answer(200, 'ok\n');
    else if (request.url === '/readyz' && isReady()) answer(200, 'ok\n');
    else if (request.url === '/readyz') answer(503, 'not ready\n');
    else if (request.url === '/metrics') {
      metrics().then(
        (text) => answer(200, text),
        () => answer(500, 'metrics failed\n'),
      );
    } else answer(404, 'not found\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`cannot listen on ${host}:${port} (HTTP_PORT): ${error.message}`, { cause: error })),
    );
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
