// The child process of redfish-fleet.ts: one HTTP server that is another BMC on each loopback address it is called by.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { documentsOf, paths, systemDocument } from './redfish-fleet-documents.ts';

export interface FleetOptions {
  readonly username: string;
  /** The password of each is this and its address. */
  readonly passwordPrefix: string;
  /** How long every answer takes, in ms. */
  readonly delayMs: number;
}

interface Machine {
  power: 'On' | 'Off';
  readonly tokens: Set<string>;
}

const options = JSON.parse(process.argv[2] ?? '{}') as FleetOptions;
/** As many as a small BMC has. */
const mostSessions = 4;
const machines = new Map<string, Machine>();
const counts = { requests: 0, logins: 0, refused: 0 };
let tokens = 0;

const server = createServer((request, response) => {
  counts.requests += 1;
  if (options.delayMs === 0) void serve(request, response);
  else setTimeout(() => void serve(request, response), options.delayMs);
});
server.listen({ host: '0.0.0.0', port: 0, backlog: 4096 }, () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
);
process.on('message', () => process.send?.(counts));
process.on('disconnect', () => process.exit(0));

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const address = request.socket.localAddress ?? '';
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const body = (text === '' ? {} : JSON.parse(text)) as Readonly<Record<string, unknown>>;
  const machine = machines.get(address) ?? { power: 'Off', tokens: new Set<string>() };
  machines.set(address, machine);
  const [status, answer, headers] = answerTo(address, machine, request, body);
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(answer);
}

type Answer = readonly [status: number, body?: string | Buffer, headers?: Readonly<Record<string, string>>];

function answerTo(
  address: string,
  machine: Machine,
  { method, url = '', headers }: IncomingMessage,
  body: Readonly<Record<string, unknown>>,
): Answer {
  if (method === 'POST' && url === paths.sessions) return logIn(address, machine, body);
  if (url !== paths.root && !isLoggedIn(address, machine, headers)) {
    counts.refused += 1;
    return [401, '{}'];
  }
  if (method === 'DELETE' && url.startsWith(`${paths.sessions}/`)) {
    machine.tokens.delete(url.slice(paths.sessions.length + 1));
    return [204];
  }
  if (method === 'POST' && url === paths.reset) {
    machine.power = body.ResetType === 'ForceOff' || body.ResetType === 'GracefulShutdown' ? 'Off' : 'On';
    return [204];
  }
  if (method !== 'GET') return [405, '{}'];
  if (url === paths.system) return [200, systemDocument(address, machine.power)];
  const found = documentsOf(address, url);
  return found === undefined ? [404, '{}'] : [200, found];
}

const passwordOf = (address: string): string => `${options.passwordPrefix}${address}`;

function logIn(address: string, machine: Machine, body: Readonly<Record<string, unknown>>): Answer {
  counts.logins += 1;
  if (body.UserName !== options.username || body.Password !== passwordOf(address)) {
    counts.refused += 1;
    return [401, '{}'];
  }
  if (machine.tokens.size >= mostSessions) {
    return [503, '{"error":{"@Message.ExtendedInfo":[{"MessageId":"Base.1.8.SessionLimitExceeded"}]}}'];
  }
  tokens += 1;
  const token = String(tokens);
  machine.tokens.add(token);
  return [201, '{}', { 'x-auth-token': token, location: `${paths.sessions}/${token}` }];
}

function isLoggedIn(address: string, machine: Machine, headers: IncomingMessage['headers']): boolean {
  const token = headers['x-auth-token'];
  if (typeof token === 'string') return machine.tokens.has(token);
  const basic = Buffer.from(`${options.username}:${passwordOf(address)}`).toString('base64');
  return headers.authorization === `Basic ${basic}`;
}
