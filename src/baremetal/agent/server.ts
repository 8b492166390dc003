// The HTTPS listener that ironic-python-agent calls, as Ironic's API would answer it (ironic/api/controllers/v1/ramdisk.py), and BMCs.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { terminal } from '../../kernel/errors.ts';
import { createLimiter } from '../../kernel/limiter.ts';
import { listen, type Listening } from '../../kernel/listen.ts';
import type { Logger } from '../../kernel/log.ts';
import type { Answer, Desk } from './desk.ts';
import type { ExpectedAgent } from './port.ts';

export interface AgentServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Both in PEM. */
  readonly tls: { readonly key: string; readonly cert: string };
  readonly desk: Desk;
  /** The BMC of the node `uid` posted an event. False: there is no such node, or that is not its token. */
  readonly onEvent?: (uid: string, token: string) => boolean;
  readonly log: Logger;
}

/** From 1.68 on an agent takes a token, makes itself a certificate and sends it (ironic_api_client.py). */
const version = '1.68';
/** The agent beats after 0.3 to 0.6 of it, in seconds. */
const heartbeatSeconds = 300;
/** With its logs an agent sends a megabyte or so. Anybody can send, so few are read at once: the others wait, unread. */
const mostInspectionBytes = 8 * 1024 * 1024;
const mostInspections = 4;
const mostBytes = 64 * 1024;
const slowestRequestMs = 60_000;
const mostConnections = 1024;

interface Reply {
  readonly status: number;
  readonly body?: unknown;
}

/** Throws terminal PortUnavailable, and CertificateUnusable for a key and certificate that do not fit. */
export async function startAgentServer(options: AgentServerOptions): Promise<Listening> {
  const { host, port } = options;
  const server = openServer(options);
  server.maxConnections = mostConnections;
  return listen(server, { host, port }, 'agents');
}

function openServer(options: AgentServerOptions) {
  const limits = { requestTimeout: slowestRequestMs, headersTimeout: 10_000, maxHeaderSize: 16_384 };
  try {
    return createServer({ ...options.tls, ...limits, minVersion: 'TLSv1.2' }, (request, response) => {
      answer(options, request).then(
        (reply) => send(request, response, reply),
        // Cut off in mid-sentence, by them or by our limits.
        () => response.destroy(),
      );
    });
  } catch (error) {
    throw terminal(
      'CertificateUnusable',
      'the key and certificate for agents do not fit: delete their Secret',
      error,
    );
  }
}

async function answer(options: AgentServerOptions, request: IncomingMessage): Promise<Reply> {
  const url = URL.parse(request.url ?? '/', 'https://agents');
  const path = url?.pathname.replace(/\/+$/, '') ?? '';
  const peer = peerOf(request);
  const { desk } = options;
  switch (`${request.method ?? ''} ${path}`) {
    case 'GET ':
    case 'GET /v1':
      return { status: 200, body: root };
    case 'GET /v1/lookup': {
      const addresses = (url?.searchParams.get('addresses') ?? '').toLowerCase().split(',');
      const uuid = url?.searchParams.get('node_uuid') ?? undefined;
      return told(options, peer, 'lookup', mapped(desk.lookup({ addresses, uuid, peer }), lookupBody));
    }
    case 'POST /v1/continue_inspection':
    case 'POST /v1/continue': {
      const payload = await inspections.run(gone(request), () => jsonOf(request, mostInspectionBytes));
      if (payload === tooMuch) return fault(413, 'the inspection data are too large');
      return told(
        options,
        peer,
        'inspection',
        mapped(desk.inspection(payload, peer), (body) => body),
      );
    }
    default:
      return other(options, request, path, peer);
  }
}

async function other(
  options: AgentServerOptions,
  request: IncomingMessage,
  path: string,
  peer: string,
): Promise<Reply> {
  const uuid = /^\/v1\/heartbeat\/([0-9a-zA-Z-]{1,63})$/.exec(path)?.[1];
  if (uuid === undefined) return event(options, request, path, peer);
  if (request.method !== 'POST') return fault(405, 'a heartbeat is a POST');
  const body = await jsonOf(request, mostBytes);
  if (body === tooMuch) return fault(413, 'the heartbeat is too large');
  const beat = typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
  const reply = options.desk.heartbeat({
    uuid,
    peer,
    callbackUrl: beat.callback_url,
    token: beat.agent_token,
    version: beat.agent_version,
    certificate: beat.agent_verify_ca,
  });
  return told(
    options,
    peer,
    'heartbeat',
    mapped(reply, () => undefined),
  );
}

/** Read to its end, as the BMC expects (DSP0266, eventing), and not believed: whoever wants to know asks the BMC. */
async function event(
  options: AgentServerOptions,
  request: IncomingMessage,
  path: string,
  peer: string,
): Promise<Reply> {
  const [, uid, token] = /^\/v1\/events\/([0-9a-zA-Z-]{1,63})\/([0-9a-f]{32})$/.exec(path) ?? [];
  if (uid === undefined || token === undefined) return fault(404, 'there is nothing here');
  if (request.method !== 'POST') return fault(405, 'an event is a POST');
  if ((await jsonOf(request, mostBytes)) === tooMuch) return fault(413, 'the event is too large');
  if (options.onEvent?.(uid, token) === true) return { status: 204 };
  return told(options, peer, 'event', fault(404, 'no node awaits events here'));
}

const root = {
  name: 'Undercloud',
  default_version: { id: 'v1', status: 'CURRENT', version, min_version: '1.1' },
  versions: [{ id: 'v1', status: 'CURRENT', version, min_version: '1.1' }],
} as const;

/** `properties` and `instance_info` have to be there; metrics must not be (agent.py, process_lookup_data). */
const lookupBody = ({ node, token }: ExpectedAgent) => ({
  node,
  config: {
    heartbeat_timeout: heartbeatSeconds,
    agent_token: token,
    agent_token_required: true,
    agent_md5_checksum_enable: false,
    disable_deep_image_inspection: false,
    permitted_image_formats: ['raw', 'qcow2', 'gpt'],
    agent_skip_bmc_detect: true,
    tls_min_version: '1.2',
  },
});

function mapped<T>(reply: Answer<T>, bodyOf: (body: T) => unknown): Reply {
  return 'fault' in reply
    ? fault(reply.status, reply.fault)
    : { status: reply.status, body: bodyOf(reply.body) };
}

/** The agent shows the fault in its log (ironic_api_client.py, _error_from_response). */
const fault = (status: number, text: string): Reply => ({
  status,
  body: { error_message: { faultcode: 'Client', faultstring: text, debuginfo: null } },
});

/** Who was turned away is worth a line; the machines themselves call all the time. */
function told({ log }: AgentServerOptions, peer: string, what: string, reply: Reply): Reply {
  if (reply.status >= 400)
    log.warn('An agent or a BMC was turned away', { peer, what, status: reply.status });
  return reply;
}

/** An IPv4 address that came in over an IPv6 socket, as IPv4. */
const peerOf = ({ socket }: IncomingMessage): string => (socket.remoteAddress ?? '').replace(/^::ffff:/, '');

const inspections = createLimiter(mostInspections);

/** Aborts when the sender goes away. */
function gone(request: IncomingMessage): AbortSignal {
  const left = new AbortController();
  request.once('close', () => left.abort());
  return left.signal;
}

const tooMuch = Symbol('too much');

/** Undefined for what is no JSON. Throws when the sender goes away. */
async function jsonOf(request: IncomingMessage, most: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Not destroyed when it is too much: the sender is to read why.
  const incoming = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of incoming) {
    size += chunk.length;
    if (size > most) return tooMuch;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function send(request: IncomingMessage, response: ServerResponse, { status, body }: Reply): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    'X-OpenStack-Ironic-API-Version': version,
    'X-OpenStack-Ironic-API-Minimum-Version': '1.1',
    'X-OpenStack-Ironic-API-Maximum-Version': version,
    'Cache-Control': 'no-store',
    // A body that was not read to its end cannot be followed by another request.
    ...(request.complete ? {} : { Connection: 'close' }),
  });
  response.end(text);
}
