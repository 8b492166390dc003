// Sends one HTTP request: TLS, deadline, 429, redirects without credentials, and network errors put into words.
import type { IncomingHttpHeaders } from 'node:http';
import { rootCertificates } from 'node:tls';
import { Agent, request } from 'undici';
import { messageOf, OperatorError, terminal, transient } from '../../kernel/errors.ts';
import type { Governor } from './governor.ts';
import type { RegistryAccess } from './port.ts';

const mostRedirects = 5;
const mostThrottles = 5;

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  readonly accept?: string;
  readonly authorization?: string | undefined;
}

export interface RegistryResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /**
   * Hands the body over piece by piece. Throws as `send` does, and terminal RegistryRefused for more than `mostBytes`. A
   * body must be read or discarded.
   */
  read(mostBytes: number, take: (chunk: Uint8Array) => void): Promise<void>;
  /** Lets go of the body, so that the connection can be used again. */
  discard(): Promise<void>;
  /** Another server than the one that was asked sent this: it was never given our credentials. */
  readonly foreign: boolean;
}

export interface Transport {
  /**
   * Throws transient RegistryUnreachable and RegistryThrottled, terminal RegistryCertificateInvalid and RegistryRefused, or the
   * signal's reason.
   */
  send(request: RegistryRequest, signal: AbortSignal): Promise<RegistryResponse>;
  close(): Promise<void>;
}

export interface TransportDeps {
  readonly access: RegistryAccess;
  readonly governor: Governor;
  /** For one request with its redirects, from connecting to the last byte. */
  readonly timeoutMs: number;
}

export function createTransport({ access, governor, timeoutMs }: TransportDeps): Transport {
  const agent = new Agent({
    allowH2: false,
    connect: {
      timeout: timeoutMs,
      rejectUnauthorized: !access.insecure,
      ...(access.ca === undefined ? {} : { ca: [...rootCertificates, access.ca] }),
    },
  });

  const once = async (sent: RegistryRequest, signal: AbortSignal): Promise<RegistryResponse> => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const inWords = (thrown: unknown): never => {
      signal.throwIfAborted();
      throw networkError(thrown, access, sent.url, timeoutMs);
    };
    let { url } = sent;
    for (let hops = 0; hops <= mostRedirects; hops += 1) {
      const foreign = url.origin !== sent.url.origin;
      const { statusCode, headers, body } = await request(url, {
        method: sent.method,
        headers: headersOf(sent, foreign),
        dispatcher: agent,
        signal: deadline,
      }).catch(inWords);
      const next = redirectTarget(statusCode, headers, url, access);
      if (next === undefined) {
        const read: RegistryResponse['read'] = (mostBytes, take) =>
          readBody(body, access, mostBytes, take).catch(inWords);
        const discard = () => body.dump().catch(inWords);
        return { status: statusCode, headers, foreign, read, discard };
      }
      await body.dump().catch(inWords);
      url = next;
    }
    throw refused(access, `redirects in circles (${sent.url.pathname}): mend its configuration`);
  };

  return {
    async send(sent, signal) {
      for (let attempt = 0; ; attempt += 1) {
        await governor.turn(signal);
        const response = await once(sent, signal);
        if (response.status !== 429) return response;
        await response.discard();
        governor.slowDown(headerOf(response.headers, 'retry-after'), attempt);
        if (attempt === mostThrottles) {
          throw transient(
            'RegistryThrottled',
            `registry ${access.host} keeps answering 429 (too many requests): wait, or raise its limit`,
          );
        }
      }
    },
    close: () => agent.destroy(),
  };
}

/** A header that may be there once; of several the first. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** It answers, but not as a registry should. */
export const refused = (access: RegistryAccess, message: string): OperatorError =>
  terminal('RegistryRefused', `registry ${access.host} ${message}`);

async function readBody(
  body: AsyncIterable<Uint8Array>,
  access: RegistryAccess,
  mostBytes: number,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > mostBytes)
      throw refused(access, `answers with more than ${mostBytes} bytes: is it a registry?`);
    take(chunk);
  }
}

function networkError(thrown: unknown, access: RegistryAccess, url: URL, timeoutMs: number): OperatorError {
  if (thrown instanceof OperatorError) return thrown;
  const code = codeOf(thrown);
  const server =
    url.host === access.host ? `registry ${access.host}` : `${url.host} (for registry ${access.host})`;
  if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(code)) {
    return terminal(
      'RegistryCertificateInvalid',
      `${server} shows a certificate that is not trusted (${code}): name a ConfigMap with its CA in caName, or set insecure: true`,
      thrown,
    );
  }
  if (/^ERR_SSL_|^EPROTO$/.test(code)) {
    return terminal(
      'RegistryCertificateInvalid',
      `${server} does not speak TLS as it should (${code}): if it is meant to speak plain HTTP set insecure: true`,
      thrown,
    );
  }
  const timedOut =
    code === 'UND_ERR_CONNECT_TIMEOUT' || (thrown instanceof Error && thrown.name === 'TimeoutError');
  const cause = timedOut ? `no answer in ${timeoutMs / 1000} s` : code || messageOf(thrown);
  return transient(
    'RegistryUnreachable',
    `${server} cannot be reached at ${url.origin}: ${cause}; check its address, that it runs, and the way to it`,
    thrown,
  );
}

function headersOf(sent: RegistryRequest, foreign: boolean): Record<string, string> {
  return {
    'user-agent': 'undercloud',
    ...(sent.accept === undefined ? {} : { accept: sent.accept }),
    ...(sent.authorization === undefined || foreign ? {} : { authorization: sent.authorization }),
  };
}

function redirectTarget(
  status: number,
  headers: IncomingHttpHeaders,
  from: URL,
  access: RegistryAccess,
): URL | undefined {
  const location = headerOf(headers, 'location');
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined;
  const target = URL.parse(location, from.href);
  const allowed = access.insecure ? ['https:', 'http:'] : ['https:'];
  if (target === null || !allowed.includes(target.protocol)) {
    throw refused(
      access,
      'redirects to what is no HTTPS address: mend its configuration, or set insecure: true',
    );
  }
  return target;
}

/** Node's and undici's errors carry a code, at times only in one of the errors that they are made of. */
function codeOf(thrown: unknown): string {
  const { code, cause } = thrown as { readonly code?: unknown; readonly cause?: unknown };
  if (typeof code === 'string') return code;
  return cause instanceof Error ? codeOf(cause) : '';
}
