import { EventEmitter, on } from 'node:events';
import type { ServerStreamHandler, UnaryHandler } from '../context';
import {
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthService,
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthListRequest,
  type HealthListResponse,
} from '../gen/grpc/health/v1/health';
import { DomainError } from '../errors';
import type { RpcService } from '../rpc/rpc-service';

/** grpc.health.v1 for '' and every service; they are SERVING and NOT_SERVING together. */
export type Health = {
  readonly service: RpcService;
  readonly setServing: (isServing: boolean) => void;
};

export const createHealth = (names: readonly string[]): Health => {
  const known = new Set(['', ...names]);
  const changes = new EventEmitter();
  changes.setMaxListeners(0);
  let status = ServingStatus.NOT_SERVING;

  const statusOf = (service: string): ServingStatus => (known.has(service) ? status : ServingStatus.SERVICE_UNKNOWN);

  const check: UnaryHandler<HealthCheckRequest, HealthCheckResponse> = async (_ctx, { service }) => {
    if (!known.has(service)) throw new DomainError('SERVICE_UNKNOWN', 'There is no such service');
    return { status };
  };
  const list: UnaryHandler<HealthListRequest, HealthListResponse> = async () => ({
    statuses: Object.fromEntries([...known].map((service) => [service, { status }])),
  });
  /** The first status at once, then every change, until the caller goes or the server drains. */
  const watch: ServerStreamHandler<HealthCheckRequest, HealthCheckResponse> = async function* (
    _ctx,
    { service },
    call,
  ) {
    const told = on(changes, 'change', { signal: call.signal });
    yield { status: statusOf(service) };
    try {
      for await (const _change of told) yield { status: statusOf(service) };
    } catch (error) {
      if (!call.signal.aborted) throw error;
    }
  };

  return {
    service: { definition: HealthService, unary: { check, list }, serverStream: { watch }, endless: ['watch'] },
    setServing: (isServing) => {
      const next = isServing ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
      if (next === status) return;
      status = next;
      changes.emit('change');
    },
  };
};
