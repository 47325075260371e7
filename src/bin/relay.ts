import { createKnex } from '../db/knex';
import { createNewest } from '../events/newest';
import { startRelay } from '../events/relay';
import { createEventStream } from '../events/stream';
import { startHousekeeping } from '../housekeeping';
import { startHttp } from '../http';
import { jobsOf } from '../jobs';
import { createMetrics } from '../metrics';
import { runProcess } from './process';

/** 9465 by default, so that a service on the same machine keeps its own. */
const env = { HTTP_PORT: '9465', ...process.env };

void runProcess(env, async (config, log) => {
  if (config.kafka !== undefined && !process.env['TOKEN_SECRET']) {
    log.warn('no TOKEN_SECRET: the service will know none of the reset tokens that are published');
  }
  const relay = startRelay({ config, log, newest: createNewest() });
  const knex = createKnex({ ...config.database, poolSize: 1 }, log);
  const stopHousekeeping = startHousekeeping(jobsOf(knex, config), log);
  const metrics = createMetrics();
  metrics.watchRelay(relay.status);
  metrics.watchStream(createEventStream(knex));
  const http =
    config.httpPort === 'off'
      ? undefined
      : await startHttp({ host: config.host, port: config.httpPort, isReady: () => true, metrics: metrics.text });
  log.info({ kafka: config.kafka?.brokers }, 'relaying');
  return {
    stop: async () => {
      await stopHousekeeping();
      await knex.destroy();
      await relay.stop();
      await http?.stop();
    },
  };
});
