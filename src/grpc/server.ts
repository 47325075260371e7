import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Server, type ChannelOptions, type MethodDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Config } from '../config';
import type { Context } from '../context';
import type { Logger } from '../logger';
import type { RpcService } from '../rpc/rpc-service';
import { bidiStream, serverStream, unary, type Serialize } from './adapters';
import { watchUntilHandled } from './before-handler';
import { serverCredentials } from './certificates';
import { createHealth } from './health';
import { Undecodable, type Adapting } from './incoming';
import type { Observer } from './observe';
import { createReflection } from './reflection';

export type GrpcServer = {
  readonly port: number;
  readonly setServing: (isServing: boolean) => void;
  /**
   * NOT_SERVING, SHUTDOWN_DELAY_MS, endless streams ended, calls in flight finished, SHUTDOWN_GRACE_MS at most, then
   * forced. No call that reached a handler fails within the grace.
   */
  readonly stop: () => Promise<void>;
};

type Options = {
  readonly config: Config;
  readonly log: Logger;
  readonly context: Context;
  readonly services: readonly RpcService[];
  readonly observer: Observer;
  /** After how long without progress a bulk stream is ended. */
  readonly stallMs?: number;
  /** After how long a call without deadline is ended whose one request has not come in full. */
  readonly requestMs?: number;
  readonly channel?: ChannelOptions;
};

const MIB = 1024 * 1024;
const STALL_MS = 60_000;
const REQUEST_MS = 30_000;

/**
 * A peer that does not answer a ping is gone. An old connection is left for a new one, so that clients spread over new
 * instances, but without a grace: it stays for the streams that are open on it.
 */
const CHANNEL: ChannelOptions = {
  'grpc.max_receive_message_length': MIB,
  'grpc.max_concurrent_streams': 1_000,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.max_connection_age_ms': 30 * 60_000,
};

/** Bytes in and out: whatever the decoder throws, a RangeError of a deep message too, becomes a refusal of ours. */
const withOwnCodec = (method: MethodDefinition<unknown, unknown>): MethodDefinition<unknown, unknown> => ({
  ...method,
  requestDeserialize: (bytes) => {
    try {
      return method.requestDeserialize(bytes);
    } catch (error) {
      return new Undecodable(error);
    }
  },
  responseSerialize: (bytes) => bytes as Buffer,
});

/** Adds a service; a method without handler, or with two, does not start. */
const addService = (
  server: Server,
  options: Options,
  service: RpcService,
  isOurs: boolean,
  draining: AbortSignal,
): void => {
  const definition: Record<string, MethodDefinition<unknown, unknown>> = {};
  const implementation: UntypedServiceImplementation = {};
  const { unary: unaries, serverStream: serverStreams = {}, bidiStream: bidiStreams = {}, encoders = {} } = service;
  const { endless = [], bulk = [] } = service;
  for (const [name, method] of Object.entries(service.definition)) {
    const encoder = encoders[name];
    const serialize: Serialize =
      encoder === undefined
        ? (response) => method.responseSerialize(response)
        : (response) => Buffer.from(encoder(response as never));
    const adapting: Adapting = {
      method: method.path,
      log: options.log,
      observer: isOurs ? options.observer : undefined,
      ...(endless.includes(name) || bulk.includes(name) ? { draining } : {}),
      ...(bulk.includes(name) ? { stallMs: options.stallMs ?? STALL_MS } : {}),
    };
    const [one, many, both] = [unaries[name], serverStreams[name], bidiStreams[name]];
    if (one !== undefined) implementation[name] = unary(options.context, one, serialize, adapting);
    else if (many !== undefined) implementation[name] = serverStream(options.context, many, serialize, adapting);
    else if (both !== undefined) implementation[name] = bidiStream(options.context, both, serialize, adapting);
    else throw new Error(`${method.path} has no handler`);
    definition[name] = withOwnCodec(method);
  }
  server.addService(definition, implementation);
};

const pathsOf = ({ definition }: RpcService): string[] => Object.values(definition).map(({ path }) => path);
const nameOf = (service: RpcService): string => pathsOf(service)[0]?.split('/')[1] ?? '';

/** Binds and answers, NOT_SERVING at first. Throws when the port is busy, naming PORT. */
export const startServer = async (options: Options): Promise<GrpcServer> => {
  const { config, log } = options;
  const observed = new Set(options.services.flatMap(pathsOf));
  const watch = watchUntilHandled({
    requestMs: options.requestMs ?? REQUEST_MS,
    observerOf: (method) => (observed.has(method) ? options.observer : undefined),
  });
  const server = new Server({ ...CHANNEL, ...options.channel, interceptors: [watch] });
  const draining = new AbortController();
  // Every open stream listens to it.
  setMaxListeners(0, draining.signal);
  const health = createHealth(options.services.map(nameOf));
  const descriptors = readFileSync(join(__dirname, '../gen/descriptors.binpb'));
  for (const service of options.services) addService(server, options, service, true, draining.signal);
  for (const service of [health.service, ...createReflection(descriptors)]) {
    addService(server, options, service, false, draining.signal);
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${config.host}:${config.port}`, serverCredentials(config, log), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new Error(`cannot listen on ${config.host}:${config.port} (HOST, PORT): ${error.message}`));
    });
  });

  const stop = async (): Promise<void> => {
    health.setServing(false);
    await delay(config.shutdownDelayMs);
    draining.abort();
    const finished = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    const forced = new AbortController();
    const grace = delay(config.shutdownGraceMs, 'late', { signal: forced.signal }).catch(() => 'cancelled');
    if ((await Promise.race([finished, grace])) === 'late') {
      log.warn('calls were still running after SHUTDOWN_GRACE_MS, ending them');
      server.forceShutdown();
    }
    forced.abort();
  };
  return { port, setServing: health.setServing, stop };
};
