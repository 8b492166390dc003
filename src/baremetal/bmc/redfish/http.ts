// One HTTP exchange with a Redfish service: TLS as the node's spec wants it, bounded answers, failures in our vocabulary.
import { createHash, X509Certificate } from 'node:crypto';
import { createSecureContext, TLSSocket, type PeerCertificate, type SecureContext } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { buildConnector, Client } from 'undici';
import { isAbort, messageOf, OperatorError } from '../../../kernel/errors.ts';
import type { BmcAddress } from '../address.ts';
import { certificateInvalid, refused, unreachable } from '../errors.ts';
import type { TlsTrust } from '../port.ts';

export type RedfishAddress = Extract<BmcAddress, { driver: 'redfish' }>;

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export interface Reply {
  readonly status: number;
  header(name: string): string | undefined;
  /** The parsed JSON, undefined for an empty body or one that is no JSON. */
  readonly body: unknown;
}

export interface RedfishHttp {
  /** `link` is a path of this service, as found in its documents. Throws transient BMCUnreachable, terminal BMCCertificateInvalid. */
  send(method: Method, link: string, options: Sent, signal: AbortSignal): Promise<Reply>;
  close(): Promise<void>;
}

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const mostBytes = 4 * 1024 * 1024;
/** As Ironic has them (ironic/conf/redfish.py): some BMCs fetch an image before they answer. */
const connectMs = 30_000;
const silenceMs = 60_000;

export interface Keeping {
  /** How long a connection is kept that carries nothing, in ms. */
  readonly idleMs: number;
  /** How long the answer on a connection that was kept may take to begin before it counts as stalled, in ms. */
  readonly stalledMs: number;
}

/** Kept for the requests of one command, so that an idle fleet holds no sockets. A BMC that is slow and not stalled is only asked again. */
const usualKeeping: Keeping = { idleMs: 1_000, stalledMs: 5_000 };
const keptLost = 'KeptConnectionLost';

/** Throws terminal BMCCertificateInvalid where the CA that is given for it is no PEM certificate. */
export function createRedfishHttp(
  address: RedfishAddress,
  trust: TlsTrust,
  keeping = usualKeeping,
): RedfishHttp {
  const connections = createConnections(address, trust, keeping.idleMs);
  const send: RedfishHttp['send'] = async (method, link, options, signal) => {
    signal.throwIfAborted();
    const { pathname, search } = within(address, link);
    // What may do harm when it is sent twice gets a connection of its own: a kept one can fail after it has taken the request.
    const { client, kept } = connections.take(method === 'GET');
    let answered = false;
    try {
      const reply = await client.request({
        method,
        path: pathname + search,
        headers: headersOf(options),
        body: options.body === undefined ? null : JSON.stringify(options.body),
        signal,
        // Quirk `stalledConnections`.
        reset: !connections.keeps(),
        ...(kept ? { headersTimeout: keeping.stalledMs } : {}),
      });
      answered = true;
      const bytes = Buffer.from(await reply.body.arrayBuffer());
      const body = parsed(reply.headers['content-encoding'] === 'gzip' ? unpacked(bytes) : bytes);
      connections.giveBack(client);
      return { status: reply.statusCode, header: (name) => [reply.headers[name]].flat()[0], body };
    } catch (error) {
      connections.end(client);
      const lost = kept && !answered;
      // Also when it was called off: whoever did so may have had less patience than we.
      if (lost) connections.keepNoMore();
      if (signal.aborted && isAbort(error)) throw signal.reason;
      throw explained(address, error, lost);
    }
  };
  return {
    async send(method, link, options, signal) {
      const reply = await send(method, link, options, signal);
      if (reply.status !== 406 || method !== 'GET') return reply;
      // Quirk `onlyCompressed`.
      return send(
        method,
        link,
        { ...options, headers: { ...options.headers, 'accept-encoding': 'gzip' } },
        signal,
      );
    },
    close: () => connections.close(),
  };
}

const headersOf = ({ body, headers }: Sent): Record<string, string> => ({
  accept: 'application/json',
  // A compressed answer may have a weak ETag, which is of no use in If-Match (sushy connector.py).
  'accept-encoding': 'identity',
  'odata-version': '4.0',
  ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  ...headers,
});

/** The connections of one driver: the last one is kept for a short time, for the request that follows. */
function createConnections(address: RedfishAddress, trust: TlsTrust, idleMs: number) {
  const open = new Set<Client>();
  let idle: Client | undefined;
  let keeps = true;
  let closed = false;
  const connect = connector(address, trust);
  const create = (): Client => {
    const client = new Client(address.origin, {
      keepAliveTimeout: idleMs,
      // Where the service says how long it keeps one: half a second less, and never longer than we would.
      keepAliveMaxTimeout: idleMs,
      keepAliveTimeoutThreshold: idleMs / 2,
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
      maxResponseSize: mostBytes,
      allowH2: false,
      connect,
    });
    open.add(client);
    return client;
  };
  const end = (client: Client): void => {
    open.delete(client);
    client.destroy(null, () => undefined);
  };
  return {
    keeps: () => keeps,
    keepNoMore(): void {
      keeps = false;
    },
    /** `kept`: its connection has carried requests before; only with `mayBeKept`. Throws transient BMCUnreachable after `close`. */
    take(mayBeKept: boolean): { readonly client: Client; readonly kept: boolean } {
      if (closed) throw unreachable(address.text, 'its connection was closed');
      const former = idle;
      const kept = former?.stats.connected === true;
      if (former === undefined || (kept && !(mayBeKept && keeps))) return { client: create(), kept: false };
      idle = undefined;
      return { client: former, kept };
    },
    giveBack(client: Client): void {
      if (idle !== undefined) end(idle);
      if (open.has(client)) idle = client;
    },
    end,
    async close(): Promise<void> {
      closed = true;
      const all = [...open];
      open.clear();
      idle = undefined;
      await Promise.all(all.map((client) => client.destroy()));
    },
  };
}

const unpacked = (bytes: Buffer): Buffer => gunzipSync(bytes, { maxOutputLength: mostBytes });

/** A document must not send our credentials elsewhere. */
function within(address: RedfishAddress, link: string): URL {
  const url = URL.parse(link, address.origin);
  if (url?.origin === address.origin) return url;
  throw refused(address.text, `it refers to another service, ${link.slice(0, 200)}`);
}

function parsed(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch {
    return undefined;
  }
}

function connector(address: RedfishAddress, trust: TlsTrust): buildConnector.connector {
  const verified = trust.kind === 'system' || trust.kind === 'ca';
  const connect = buildConnector({
    timeout: connectMs,
    rejectUnauthorized: verified,
    // HTTP/1.1 is what every service speaks (DSP0266 section 6.1), and its idle connections end as we say.
    allowH2: false,
    secureContext: contextOf(address, trust),
    // A resumed TLS session shows no certificate to compare.
    ...(trust.kind === 'fingerprint' ? { maxCachedSessions: 0 } : {}),
  });
  if (trust.kind !== 'fingerprint') return connect;
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      const seen = socket instanceof TLSSocket ? fingerprintOf(socket) : 'none';
      if (seen === trust.sha256) return callback(null, socket);
      socket.destroy();
      return callback(certificateInvalid(address.text, `its fingerprint is sha256:${seen}`), null);
    });
}

function fingerprintOf(socket: TLSSocket): string {
  const certificate: Partial<PeerCertificate> = socket.getPeerCertificate();
  return certificate.raw === undefined ? 'none' : createHash('sha256').update(certificate.raw).digest('hex');
}

/** One for all who trust the same, at about 0.2 ms and 37 KB each. Only the last is kept: a fleet has one CA as a rule. */
let lastContext: { readonly pem: string | undefined; readonly context: SecureContext } | undefined;

function contextOf(address: RedfishAddress, trust: TlsTrust): SecureContext {
  const pem = trust.kind === 'ca' ? trust.pem : undefined;
  if (lastContext !== undefined && lastContext.pem === pem) return lastContext.context;
  if (pem !== undefined) checkPem(address, pem);
  const context = createSecureContext(pem === undefined ? {} : { ca: pem });
  lastContext = { pem, context };
  return context;
}

/** OpenSSL passes over what it cannot read, and the failure would look like the BMC's. */
function checkPem(address: RedfishAddress, pem: string): void {
  try {
    new X509Certificate(pem);
  } catch (error) {
    throw certificateInvalid(address.text, 'the CA given for it is no PEM certificate', error);
  }
}

/** True where a GET got no answer because its connection, which had been kept, did not hold. On a new one it may get it at once. */
export const lostKept = (thrown: unknown): boolean =>
  thrown instanceof OperatorError && thrown.cause instanceof Error && thrown.cause.name === keptLost;

/** True where the request cannot have reached the service: nobody took the connection. */
export function neverSent(thrown: unknown): boolean {
  const cause: unknown = thrown instanceof OperatorError ? thrown.cause : thrown;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(code);
}

function explained(address: RedfishAddress, thrown: unknown, lost: boolean): OperatorError {
  if (thrown instanceof OperatorError) return thrown;
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  // Node adds advice on its own options after a semicolon.
  const said = messageOf(thrown).replace(/;.*/, '');
  const about = code === '' || said.includes(code) ? said : `${code}: ${said}`;
  if (lost) {
    const cause = Object.assign(new Error(about, { cause: thrown }), { name: keptLost });
    return unreachable(address.text, `on a connection that was kept: ${about}`, cause);
  }
  // X509_V_ERR_* as Node names them, and its own for a name that does not match.
  const ofCertificate = /CERT|SELF_SIGNED|UNABLE_TO_|CRL|INVALID_(CA|PURPOSE)|PATH_LENGTH/.test(code);
  return ofCertificate
    ? certificateInvalid(address.text, about, thrown)
    : unreachable(address.text, about, thrown);
}
