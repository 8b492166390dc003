// One HTTP exchange with a Redfish service: TLS as the node's spec wants it, bounded answers, failures in our vocabulary.
import { createHash, X509Certificate } from 'node:crypto';
import { TLSSocket, type PeerCertificate } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { Agent, buildConnector, request } from 'undici';
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

export function createRedfishHttp(address: RedfishAddress, trust: TlsTrust): RedfishHttp {
  // No keep-alive: some BMCs let kept connections stall (sushy closes every one for the same reason).
  const agent = new Agent({
    pipelining: 0,
    headersTimeout: silenceMs,
    bodyTimeout: silenceMs,
    maxResponseSize: mostBytes,
    connect: connector(address, trust),
  });
  const send: RedfishHttp['send'] = async (method, link, options, signal) => {
    const { body } = options;
    const headers = {
      accept: 'application/json',
      // A compressed answer may have a weak ETag, which is of no use in If-Match (sushy connector.py).
      'accept-encoding': 'identity',
      'odata-version': '4.0',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    };
    const payload = body === undefined ? null : JSON.stringify(body);
    try {
      const url = within(address, link);
      const reply = await request(url, { method, headers, body: payload, dispatcher: agent, signal });
      const bytes = Buffer.from(await reply.body.arrayBuffer());
      return {
        status: reply.statusCode,
        header: (name) => [reply.headers[name]].flat()[0],
        body: parsed(reply.headers['content-encoding'] === 'gzip' ? unpacked(bytes) : bytes),
      };
    } catch (error) {
      if (signal.aborted && isAbort(error)) throw signal.reason;
      throw explained(address, error);
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
    close: () => agent.destroy(),
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
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch {
    return undefined;
  }
}

function connector(address: RedfishAddress, trust: TlsTrust): buildConnector.connector {
  const verified = trust.kind === 'system' || trust.kind === 'ca';
  if (trust.kind === 'ca') checkPem(address, trust.pem);
  const connect = buildConnector({
    timeout: connectMs,
    rejectUnauthorized: verified,
    ...(trust.kind === 'ca' ? { ca: trust.pem } : {}),
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

/** OpenSSL passes over what it cannot read, and the failure would look like the BMC's. */
function checkPem(address: RedfishAddress, pem: string): void {
  try {
    new X509Certificate(pem);
  } catch (error) {
    throw certificateInvalid(address.text, 'the CA given for it is no PEM certificate', error);
  }
}

/** True where the request cannot have reached the service: nobody took the connection. */
export function neverSent(thrown: unknown): boolean {
  const cause: unknown = thrown instanceof OperatorError ? thrown.cause : thrown;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(code);
}

function explained(address: RedfishAddress, thrown: unknown): OperatorError {
  if (thrown instanceof OperatorError) return thrown;
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  // Node adds advice on its own options after a semicolon.
  const said = messageOf(thrown).replace(/;.*/, '');
  const about = code === '' || said.includes(code) ? said : `${code}: ${said}`;
  // X509_V_ERR_* as Node names them, and its own for a name that does not match.
  const ofCertificate = /CERT|SELF_SIGNED|UNABLE_TO_|CRL|INVALID_(CA|PURPOSE)|PATH_LENGTH/.test(code);
  return ofCertificate
    ? certificateInvalid(address.text, about, thrown)
    : unreachable(address.text, about, thrown);
}
