// A Redfish service with faults and quirks on demand: those that real BMCs have and sushy-tools has not. It can also be the BMC
// of a machine that a test simulates.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { documents } from './redfish-documents.ts';
import { change, setFakePower } from './redfish-effects.ts';
import {
  failure,
  notFound,
  root,
  sessionsPath,
  systemPath,
  usualQuirks,
  type Answer,
  type Asked,
  type FakeMachine,
  type FakeRedfish,
  type Fault,
  type RedfishQuirks,
} from './redfish-state.ts';

export type { FakeBoot, FakeMachine, FakeRedfish, RedfishQuirks } from './redfish-state.ts';

const tasksPath = `${root}TaskService/TaskMonitors/`;

export async function startFakeRedfish(
  quirks: Partial<RedfishQuirks> = {},
  machine: FakeMachine = {},
): Promise<FakeRedfish> {
  const listen = (request: IncomingMessage, response: ServerResponse) => void serve(fake, request, response);
  const server = machine.tls === undefined ? createServer(listen) : createTlsServer(machine.tls, listen);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Idle connections end when the client says so: a test sees that it does.
  server.keepAliveTimeout = 0;
  server.on(machine.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    fake.sockets.add(socket);
    socket.once('close', () => fake.sockets.delete(socket));
  });
  const scheme = machine.tls === undefined ? 'redfish+http' : 'redfish';
  const fake: FakeRedfish = {
    ...fresh(),
    address: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    quirks: { ...usualQuirks, ...quirks },
    machine,
    get media() {
      return [...this.inserted.values()][0];
    },
    setPower(state) {
      setFakePower(this, state);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

const fresh = (): Omit<FakeRedfish, 'address' | 'quirks' | 'machine' | 'media' | 'setPower' | 'close'> => ({
  username: 'admin',
  password: 'secret',
  power: 'Off',
  boot: { target: 'None', enabled: 'Disabled', mode: 'UEFI' },
  inserted: new Map(),
  bios: { BootMode: 'Bios', NumLock: true, ProcCores: 8, AssetTag: '', SystemModel: 'Roadrunner' },
  pendingBios: {},
  secureBoot: false,
  secureBootNow: false,
  indicator: 'Off',
  subscriptions: new Map(),
  imported: [],
  faults: [],
  refusals: [],
  requests: [],
  places: [],
  sockets: new Set(),
  bodies: [],
  failedLogins: 0,
  open: new Set(),
  tasks: new Map(),
  stale: { image: '', reads: 0 },
});

async function serve(fake: FakeRedfish, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const body = text === '' ? undefined : (JSON.parse(text) as Readonly<Record<string, unknown>>);
  const { method = '', url: path = '', headers } = request;
  const asked: Asked = { method, path, body, headers };
  const detail = typeof body?.ResetType === 'string' ? ` ${body.ResetType}` : '';
  fake.requests.push(`${method} ${path}${detail}`);
  const place = placeOf(request.socket);
  fake.places.push(place);
  fake.watch?.(asked);
  if (place > 1 && isLetDown(fake, response)) return;
  const fault = fake.faults.shift();
  if (fault !== undefined) {
    spoil(fault, response);
    return;
  }
  const found = answer(fake, asked);
  const packed = fake.quirks.gzipRegistries && path.includes('/Registries/');
  send(response, packed && !headers['accept-encoding']?.includes('gzip') ? { status: 406 } : found, packed);
}

const carried = new WeakMap<Socket, number>();

/** Which of its connection's requests this is, from 1. */
function placeOf(socket: Socket): number {
  const place = (carried.get(socket) ?? 0) + 1;
  carried.set(socket, place);
  return place;
}

/** True where a further request on a connection gets no answer. */
function isLetDown({ quirks }: FakeRedfish, response: ServerResponse): boolean {
  if (quirks.furtherRequests === 'cut') response.destroy();
  return quirks.furtherRequests !== 'answered';
}

function spoil(fault: Fault, response: ServerResponse): void {
  switch (fault) {
    case 'busy':
      return send(response, failure(503, 'Base.1.8.ServiceTemporarilyUnavailable', 'Try again later.'));
    case 'hang up':
      response.destroy();
      return;
    case 'half an answer':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"PowerState": "O', () => response.destroy());
      return;
    case 'no JSON':
      response.end('<html>Session timed out</html>');
      return;
    case 'silence':
      return;
  }
}

function send(response: ServerResponse, { status, body, headers = {} }: Answer, packed = false): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  const encoding = packed && status === 200 ? { 'content-encoding': 'gzip' } : {};
  response.writeHead(status, { 'content-type': 'application/json', ...encoding, ...headers });
  response.end(packed && status === 200 ? gzipSync(text) : text);
}

function answer(fake: FakeRedfish, asked: Asked): Answer {
  const { method, path } = asked;
  if (method === 'POST' && path === sessionsPath) return logIn(fake, asked);
  if (!(path === root && !fake.quirks.closedRoot) && !isLoggedIn(fake, asked)) {
    return failure(401, 'Base.1.8.NoValidSession', 'There is no valid session established.');
  }
  if (method === 'DELETE' && path.startsWith(`${sessionsPath}/`)) {
    fake.open.delete(path.slice(sessionsPath.length + 1));
    return { status: 204 };
  }
  if (path.startsWith(tasksPath)) return task(fake, path);
  return method === 'GET' ? read(fake, path) : act(fake, asked);
}

function read(fake: FakeRedfish, path: string): Answer {
  const { slashWanted, etags } = fake.quirks;
  const wanted = slashWanted && path === `${systemPath(fake)}/` ? systemPath(fake) : path;
  const body = slashWanted && path === systemPath(fake) ? undefined : documents(fake)[wanted];
  if (body === undefined) return notFound(path);
  if (path.includes('/VirtualMedia/') && fake.stale.reads > 0) fake.stale.reads -= 1;
  const etag = etagOf(fake, wanted);
  return etags === 'body'
    ? { status: 200, body: { ...body, '@odata.etag': etag } }
    : { status: 200, body, headers: { etag: etags === 'weak' ? `W/${etag}` : etag } };
}

/** Of the document as it is, but for what only a read counts down. */
function etagOf(fake: FakeRedfish, path: string): string {
  const text = JSON.stringify(documents(fake)[path] ?? null);
  return `"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"`;
}

function act(fake: FakeRedfish, asked: Asked): Answer {
  fake.bodies.push(asked.body ?? {});
  const refusal = fake.refusals.shift();
  if (refusal !== undefined) return failure(refusal.status, refusal.id, refusal.message ?? 'No.');
  if (!matches(fake, asked)) return failure(412, 'Base.1.8.PreconditionFailed', 'The ETag does not match.');
  const { tasks } = fake.quirks;
  if (tasks === undefined) return change(fake, asked);
  // A task that fails has done nothing; one that waits has not done it yet.
  const found = ['Completed', 'forgotten'].includes(tasks.state) ? change(fake, asked) : { status: 204 };
  if (found.status >= 300) return found;
  const location = `${tasksPath}${fake.requests.length}`;
  fake.tasks.set(location, { polls: tasks.polls });
  const retryAfter = tasks.retryAfter === undefined ? {} : { 'retry-after': tasks.retryAfter };
  return { status: 202, headers: { location, ...retryAfter } };
}

function matches(fake: FakeRedfish, { method, path, headers }: Asked): boolean {
  const { ifMatch, needsIfMatch } = fake.quirks;
  const sent = headers['if-match'];
  if (method === 'POST')
    return !(needsIfMatch && path.endsWith('/Power')) || sent === etagOf(fake, systemPath(fake));
  const strong = etagOf(fake, path);
  switch (ifMatch) {
    case 'none':
      return sent === undefined;
    case 'strong':
    case 'required':
      return sent === strong;
    case 'optional':
      return sent === undefined || sent === strong || sent === `W/${strong}`;
  }
}

function task(fake: FakeRedfish, path: string): Answer {
  const [known, shape] = [fake.tasks.get(path), fake.quirks.tasks];
  if (known === undefined || shape === undefined) return notFound(path);
  known.polls -= 1;
  const over = known.polls < 0;
  if (over && shape.state === 'forgotten') return notFound(path);
  const message = shape.message === undefined ? {} : { Messages: [{ Message: shape.message }] };
  const body = { TaskState: over ? shape.state : 'Running', ...message };
  const waits = !over || shape.state === 'Starting';
  return waits ? { status: 202, body, headers: { location: path } } : { status: 200, body };
}

function logIn(fake: FakeRedfish, { body }: Asked): Answer {
  const { sessions, mostSessions, sessionLimitStatus, sessionInBody } = fake.quirks;
  if (!sessions) return failure(404, 'Base.1.8.ResourceMissingAtURI', 'No sessions.');
  if (body?.UserName !== fake.username || body.Password !== fake.password) {
    fake.failedLogins += 1;
    return failure(401, 'Base.1.8.ResourceAtUriUnauthorized', 'Invalid user name or password.');
  }
  if (fake.open.size >= mostSessions) {
    return failure(sessionLimitStatus, 'Base.1.8.SessionLimitExceeded', 'Too many sessions.');
  }
  const token = `token${fake.requests.length}`;
  fake.open.add(token);
  const location = `${sessionsPath}/${token}`;
  return sessionInBody
    ? { status: 201, body: { '@odata.id': location }, headers: { 'x-auth-token': token } }
    : { status: 201, body: {}, headers: { 'x-auth-token': token, location } };
}

function isLoggedIn(fake: FakeRedfish, { headers }: Asked): boolean {
  if (fake.open.has(String(headers['x-auth-token']))) return true;
  const { authorization } = headers;
  if (authorization === undefined || (fake.quirks.sessions && !fake.quirks.basic)) return false;
  const right = `Basic ${Buffer.from(`${fake.username}:${fake.password}`).toString('base64')}`;
  if (authorization !== right) fake.failedLogins += 1;
  return authorization === right;
}
