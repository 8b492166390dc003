// The plain HTTP listener that gives machines their iPXE scripts, and nothing else. iPXE in a NIC's ROM speaks no TLS that we could rely on.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { messageOf } from '../../kernel/errors.ts';
import { listen, type Listening } from '../../kernel/listen.ts';
import type { Logger } from '../../kernel/log.ts';
import { type BootPlan, firstScript, nodeScript, unknownScript } from './script.ts';

export interface BootServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** The agents' desk, as far as it is of use here: a script that a known machine fetched is its first sign of life. */
  readonly desk: { scriptFetched(mac: string): void };
  /** What the machine with this MAC address (lower case, with colons) boots now; undefined: we do not know it. */
  readonly bootFor: (mac: string) => BootPlan | undefined;
  readonly log: Logger;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A script is small and made at once: whoever takes longer is no machine that boots. */
const slowestRequestMs = 10_000;
const mostConnections = 1024;

/** Throws terminal PortUnavailable. */
export function startBootServer(options: BootServerOptions): Promise<Listening> {
  const { host, port } = options;
  const limits = { requestTimeout: slowestRequestMs, headersTimeout: slowestRequestMs, maxHeaderSize: 8192 };
  const server = createServer(limits, (request, response) =>
    send(request, response, answer(options, request)),
  );
  server.maxConnections = mostConnections;
  server.timeout = slowestRequestMs;
  return listen(server, { host, port }, 'boot scripts');
}

function answer(options: BootServerOptions, request: IncomingMessage): Answer {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { status: 405, text: 'only GET and HEAD\n' };
  const path = request.url?.split('?')[0] ?? '';
  if (path === '/boot/ipxe') return { status: 200, text: firstScript() };
  const hyphens = /^\/boot\/ipxe\/(?<mac>[0-9a-f]{2}(?:-[0-9a-f]{2}){5})$/i.exec(path)?.groups?.mac;
  if (hyphens === undefined) return { status: 404, text: 'try /boot/ipxe\n' };
  const mac = hyphens.toLowerCase().replaceAll('-', ':');
  try {
    return scriptOf(options, mac, request.method === 'GET');
  } catch (error) {
    // The machine asks again; its node's condition is the place where people read of it.
    options.log.error('No boot script could be made', { mac, error: messageOf(error) });
    return { status: 500, text: 'no boot script could be made: see the log of the operator\n' };
  }
}

function scriptOf({ desk, bootFor, log }: BootServerOptions, mac: string, fetched: boolean): Answer {
  const plan = bootFor(mac);
  if (plan === undefined) {
    log.debug('An unknown machine asked for a boot script', { mac });
    return { status: 200, text: unknownScript(mac) };
  }
  const text = nodeScript(mac, plan);
  if (fetched) desk.scriptFetched(mac);
  return { status: 200, text };
}

function send(request: IncomingMessage, response: ServerResponse, { status, text }: Answer): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    ...(status === 405 ? { Allow: 'GET, HEAD' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}
