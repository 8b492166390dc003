// The operator's small HTTP server: /healthz, /readyz and /metrics.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { messageOf, terminal } from './errors.ts';
import { problems, type Health, type HealthCheck } from './health.ts';

export interface HttpServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly health: Health;
  readonly registry: Registry;
}

export interface HttpServer {
  /** The port it listens on. */
  readonly port: number;
  close(): Promise<void>;
}

/** Throws terminal PortUnavailable. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port } = options;
  const server = createServer((request, response) => {
    answer(options, request).then(
      (found) => send(response, found),
      (error: unknown) => send(response, { status: 500, text: messageOf(error) }),
    );
  });
  const listening = Promise.withResolvers<AddressInfo>();
  server.once('error', (error) =>
    listening.reject(
      terminal('PortUnavailable', `cannot serve health and metrics on ${host}:${port}: ${error.message}`),
    ),
  );
  server.listen(port, host, () => listening.resolve(server.address() as AddressInfo));
  const address = await listening.promise;
  return {
    port: address.port,
    close() {
      const closed: PromiseWithResolvers<void> = Promise.withResolvers();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      return closed.promise;
    },
  };
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
