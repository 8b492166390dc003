// The boot media server, a process of its own: images are bytes, which the operator's process does not carry.
import { systemClock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/log.ts';
import { createLogging } from '../kernel/logging.ts';
import { runProcess } from '../kernel/process.ts';
import { createRedactor } from '../kernel/redact.ts';
import { type Config, parseConfig } from './config.ts';
import { startMediaServer } from './server.ts';

/** Serves until `stop` aborts; the exit code. */
async function run(config: Config, log: Logger, stop: AbortSignal): Promise<number> {
  const server = await startMediaServer({ ...config, log });
  log.info('Serving', { directory: config.directory, host: config.host, port: server.port });
  const stopped = Promise.withResolvers<undefined>();
  stop.addEventListener('abort', () => stopped.resolve(undefined), { once: true });
  if (stop.aborted) stopped.resolve(undefined);
  await stopped.promise;
  await server.close();
  return 0;
}

async function main(): Promise<void> {
  const parsed = parseConfig(process.argv.slice(2));
  if (parsed.kind === 'help') {
    process.stdout.write(parsed.text);
    return;
  }
  if (parsed.kind === 'wrong') {
    const problems = parsed.problems.join('\nundercloud-media: ');
    process.stderr.write(`undercloud-media: ${problems}\nSee undercloud-media --help.\n`);
    process.exitCode = 2;
    return;
  }
  const { config } = parsed;
  const { log, close } = createLogging({
    level: config.logLevel,
    format: config.logFormat,
    stream: process.stdout,
    clock: systemClock,
    redactor: createRedactor(),
  });
  await runProcess(log, close, (stop) => run(config, log, stop));
}

await main();
