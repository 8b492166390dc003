// The operator's small HTTP server: /healthz, /readyz and /metrics.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { messageOf } from './errors.ts';
import { listen, type Listening } from './listen.ts';
import { problems, type Health, type HealthCheck } from './health.ts';

export interface HttpServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly health: Health;
  readonly registry: Registry;
}

/** Throws terminal PortUnavailable. */
export function startHttpServer(options: HttpServerOptions): Promise<Listening> {
  const { host, port } = options;
  const server = createServer((request, response) => {
    answer(options, request).then(
      (found) => send(response, found),
      (error: unknown) => send(response, { status: 500, text: messageOf(error) }),
    );
  });
  return listen(server, { host, port }, 'health and metrics');
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly type?: string;
}

async function answer({ health, registry }: HttpServerOptions, request: IncomingMessage): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, text: 'only GET' };
  switch (request.url?.split('?')[0]) {
    case '/healthz':
      return healthOf(health.live);
    case '/readyz':
      return healthOf(health.ready);
    case '/metrics':
      return { status: 200, text: await registry.metrics(), type: registry.contentType };
    default:
      return { status: 404, text: 'try /healthz, /readyz or /metrics' };
  }
}

function healthOf(checks: readonly HealthCheck[]): Answer {
  const wrong = problems(checks);
  return wrong.length === 0 ? { status: 200, text: 'ok' } : { status: 503, text: wrong.join('\n') };
}

function send(response: ServerResponse, { status, text, type = 'text/plain; charset=utf-8' }: Answer): void {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' });
  response.end(text.endsWith('\n') ? text : `${text}\n`);
}
