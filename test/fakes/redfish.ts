// A Redfish service with faults and quirks on demand: those that real BMCs have and sushy-tools has not.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to a request instead of an answer. */
export type Fault = 'busy' | 'hang up' | 'half an answer' | 'no JSON' | 'silence';

export interface RedfishQuirks {
  /** False: Basic authentication only. */
  readonly sessions: boolean;
  /** The service root asks for a login too, against the standard. */
  readonly closedRoot: boolean;
  readonly resetTypes: readonly string[];
  /** Reset types are in an ActionInfo document, not in the system. */
  readonly actionInfo: boolean;
  /** A reset without the right If-Match is refused with 412. */
  readonly needsIfMatch: boolean;
  readonly mostSessions: number;
  readonly systems: readonly string[];
  /** The answer to a reset. */
  readonly resetStatus: number;
  /** Whether a reset does anything. */
  readonly resets: boolean;
}

export interface FakeRedfish {
  /** As spec.bmc.address has it, without a path. */
  readonly address: string;
  readonly username: string;
  readonly password: string;
  power: string | null;
  quirks: RedfishQuirks;
  /** One for each of the next requests; `undefined` lets one pass. */
  readonly faults: (Fault | undefined)[];
  /** `METHOD path`, with the reset type of a reset. */
  readonly requests: string[];
  /** Logins that were refused. */
  failedLogins: number;
  /** Tokens of open sessions. */
  readonly open: Set<string>;
  close(): Promise<void>;
}

/** What a request may bring: a login or a reset. */
interface Sent {
  readonly UserName?: string;
  readonly Password?: string;
  readonly ResetType?: string;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: Sent;
  readonly headers: IncomingMessage['headers'];
}

interface Answer {
  readonly status: number;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

const usual: RedfishQuirks = {
  sessions: true,
  closedRoot: false,
  resetTypes: ['On', 'ForceOff', 'GracefulShutdown', 'ForceRestart'],
  actionInfo: false,
  needsIfMatch: false,
  mostSessions: 4,
  systems: ['1'],
  resetStatus: 204,
  resets: true,
};
const root = '/redfish/v1/';
const sessionsPath = `${root}SessionService/Sessions`;

export async function startFakeRedfish(quirks: Partial<RedfishQuirks> = {}): Promise<FakeRedfish> {
  const server = createServer((request, response) => void serve(fake, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeRedfish = {
    address: `redfish+http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    username: 'admin',
    password: 'secret',
    power: 'Off',
    quirks: { ...usual, ...quirks },
    faults: [],
    requests: [],
    failedLogins: 0,
    open: new Set(),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

async function serve(fake: FakeRedfish, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const body = text === '' ? {} : (JSON.parse(text) as Sent);
  const asked: Asked = {
    method: request.method ?? '',
    path: request.url ?? '',
    body,
    headers: request.headers,
  };
  const detail = typeof body.ResetType === 'string' ? ` ${body.ResetType}` : '';
  fake.requests.push(`${asked.method} ${asked.path}${detail}`);
  const fault = fake.faults.shift();
  if (fault === undefined) send(response, answer(fake, asked));
  else spoil(fault, response);
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

function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
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
  if (method === 'POST' && path === `${system(fake)}/Actions/Power`) return reset(fake, asked);
  const body = documents(fake)[path];
  if (method !== 'GET' || body === undefined)
    return failure(404, 'Base.1.8.ResourceMissingAtURI', `No ${path}.`);
  return { status: 200, body, headers: { etag: etag(fake) } };
}

function logIn(fake: FakeRedfish, { body }: Asked): Answer {
  if (!fake.quirks.sessions) return failure(404, 'Base.1.8.ResourceMissingAtURI', 'No sessions.');
  if (body.UserName !== fake.username || body.Password !== fake.password) {
    fake.failedLogins += 1;
    return failure(401, 'Base.1.8.ResourceAtUriUnauthorized', 'Invalid user name or password.');
  }
  if (fake.open.size >= fake.quirks.mostSessions) {
    return failure(503, 'Base.1.8.SessionLimitExceeded', 'Too many sessions.');
  }
  const token = `token${fake.requests.length}`;
  fake.open.add(token);
  return { status: 201, body: {}, headers: { 'x-auth-token': token, location: `${sessionsPath}/${token}` } };
}

function isLoggedIn(fake: FakeRedfish, { headers }: Asked): boolean {
  if (fake.open.has(String(headers['x-auth-token']))) return true;
  const { authorization } = headers;
  if (authorization === undefined || fake.quirks.sessions) return false;
  const right = `Basic ${Buffer.from(`${fake.username}:${fake.password}`).toString('base64')}`;
  if (authorization !== right) fake.failedLogins += 1;
  return authorization === right;
}

function reset(fake: FakeRedfish, { body, headers }: Asked): Answer {
  const { quirks } = fake;
  if (quirks.needsIfMatch && headers['if-match'] !== etag(fake)) {
    return failure(412, 'Base.1.8.PreconditionFailed', 'The ETag does not match.');
  }
  const type = String(body.ResetType);
  if (!quirks.resetTypes.includes(type))
    return failure(400, 'Base.1.8.ActionParameterValueNotInList', `No ${type}.`);
  if (quirks.resets) fake.power = type === 'ForceOff' || type === 'GracefulShutdown' ? 'Off' : 'On';
  return quirks.resetStatus < 300
    ? { status: quirks.resetStatus }
    : failure(quirks.resetStatus, 'Base.1.8.ActionNotSupported', 'No.');
}

const system = ({ quirks }: FakeRedfish): string => `${root}Systems/${quirks.systems[0] ?? ''}`;
const etag = ({ power }: FakeRedfish): string => `"${String(power)}"`;
const link = (path: string) => ({ '@odata.id': path });

function documents(fake: FakeRedfish): Readonly<Record<string, object>> {
  const { quirks, power } = fake;
  const own = system(fake);
  const allowable = 'ResetType@Redfish.AllowableValues';
  return {
    [root]: {
      RedfishVersion: '1.11.0',
      Systems: link(`${root}Systems`),
      Links: quirks.sessions ? { Sessions: link(sessionsPath) } : {},
    },
    [`${root}Systems`]: { Members: quirks.systems.map((id) => link(`${root}Systems/${id}`)) },
    [own]: {
      Manufacturer: 'ACME',
      Model: 'Roadrunner',
      SerialNumber: ' S1 ',
      BiosVersion: '2.1',
      PowerState: power,
      ProcessorSummary: { Count: 2, Model: 'Z80' },
      MemorySummary: { TotalSystemMemoryGiB: 1.5 },
      EthernetInterfaces: link(`${own}/EthernetInterfaces`),
      Storage: link(`${own}/Storage`),
      SimpleStorage: link(`${own}/Nowhere`),
      Links: { ManagedBy: [link(`${root}Managers/1`)] },
      Actions: {
        '#ComputerSystem.Reset': {
          target: `${own}/Actions/Power`,
          ...(quirks.actionInfo
            ? { '@Redfish.ActionInfo': `${own}/ResetActionInfo` }
            : { [allowable]: quirks.resetTypes }),
        },
      },
    },
    [`${own}/ResetActionInfo`]: { Parameters: [{ Name: 'ResetType', AllowableValues: quirks.resetTypes }] },
    [`${own}/EthernetInterfaces`]: { Members: [link(`${own}/EthernetInterfaces/1`), link(`${own}/Nowhere`)] },
    [`${own}/EthernetInterfaces/1`]: {
      Id: 'NIC.1',
      MACAddress: '2C-C2-60-01-02-04',
      SpeedMbps: 10000,
      LinkStatus: 'LinkUp',
    },
    [`${own}/Storage`]: { Members: [link(`${own}/Storage/1`)] },
    [`${own}/Storage/1`]: { Drives: [link(`${own}/Storage/1/Drives/1`)] },
    [`${own}/Storage/1/Drives/1`]: {
      Name: 'Disk.1',
      MediaType: 'SSD',
      Protocol: 'NVMe',
      CapacityBytes: 960197124096,
    },
    [`${root}Managers/1`]: { Model: 'ROB', FirmwareVersion: '9.9', Manufacturer: 'ACME' },
  };
}

const failure = (status: number, id: string, message: string): Answer => ({
  status,
  body: {
    error: {
      code: 'Base.1.8.GeneralError',
      message: 'See below.',
      '@Message.ExtendedInfo': [{ MessageId: id, Message: message, Severity: 'Warning' }],
    },
  },
});
