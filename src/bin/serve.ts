import { startService } from '../service';
import { runProcess } from './process';

void runProcess(process.env, async (config, log) => {
  const service = await startService(config, log);
  const http = service.httpPort === undefined ? '' : `, http://${config.host}:${service.httpPort}/metrics`;
  log.info({ port: service.port }, `serving on ${config.host}:${service.port}${http}`);
  return service;
});
