// One HTTP exchange with a registry: deadlines, redirects without credentials, addresses that are not spoken to.
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { request, type Agent } from 'undici';
import type { Clock } from '../../kernel/clock.ts';
import { terminal, type OperatorError } from '../../kernel/errors.ts';
import { forbiddenCode, type AddressGuard } from './address.ts';
import { readers, watched, type Readers } from './body.ts';
import { codeOf, lateAnswer, networkError, slowLine } from './network-error.ts';
import type { RegistryAccess } from './port.ts';
import { refused } from './refusal.ts';
import { commitFactor, createWatchdog, type Watchdog } from './watchdog.ts';

const mostRedirects = 5;

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly url: URL;
  /** For people: what led to this URL. Unset: the registry's own address did. */
  readonly namedBy?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly authorization?: string | undefined;
  /** A stream can be sent once only: neither a redirect nor a 429 sends it again. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /**
   * What the deadline bounds. `answer` (unset): all of it, from connecting to the answer's last byte. `commit`: the same, but the
   * registry has work to do. `silence`: the time without a byte in either direction, for blobs; and for minutes less than
   * `leastRate` is silence too.
   */
  readonly patience?: 'answer' | 'commit' | 'silence';
}

export interface RegistryResponse extends Readers {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Where it came from in the end: what a Location in it is relative to. */
  readonly url: URL;
  /** Another server than the one that was asked sent this: it was never given our credentials. */
  readonly foreign: boolean;
}

export interface ExchangeDeps {
  readonly access: RegistryAccess;
  readonly guard: AddressGuard;
  readonly agent: Agent;
  readonly clock: Clock;
  /** See RegistryRequest.patience. */
  readonly timeoutMs: number;
}

/**
 * Throws transient RegistryUnreachable, terminal RegistryCertificateInvalid, RegistryRefused and AddressForbidden, or the
 * signal's reason.
 */
export async function exchange(
  deps: ExchangeDeps,
  sent: RegistryRequest,
  signal: AbortSignal,
): Promise<RegistryResponse> {
  const { access, clock, timeoutMs } = deps;
  const dog = createWatchdog(
    clock,
    signal,
    (ms) => lateAnswer(access, sent.url, ms),
    (bytesPerSecond) => slowLine(access, sent.url, bytesPerSecond),
  );
  const trail = { hop: { url: sent.url, foreign: false, namedBy: sent.namedBy ?? 'its address' } };
  const inWords = (thrown: unknown): OperatorError => {
    dog.end();
    signal.throwIfAborted();
    dog.signal.throwIfAborted();
    return codeOf(thrown) === forbiddenCode
      ? forbiddenAddress(access, (thrown as Error).message, trail.hop.namedBy)
      : networkError(thrown, access, sent.url);
  };
  dog.wait(sent.patience === 'commit' ? timeoutMs * commitFactor : timeoutMs);
  try {
    const { statusCode, headers, body } = await follow(deps, sent, dog, trail);
    const waitMs = sent.patience === 'silence' ? timeoutMs : undefined;
    const { url, foreign } = trail.hop;
    return { status: statusCode, headers, url, foreign, ...readers({ body, dog, access, waitMs, inWords }) };
  } catch (thrown) {
    throw inWords(thrown);
  }
}

/** The answer at the end of all redirects; `trail` tells where that is. */
async function follow(
  { access, guard, agent, timeoutMs }: ExchangeDeps,
  sent: RegistryRequest,
  dog: Watchdog,
  trail: { hop: Hop },
): ReturnType<typeof request> {
  for (let hops = 0; hops <= mostRedirects; hops += 1) {
    const { url, foreign, namedBy } = trail.hop;
    const reason = guard.reasonAgainst(url);
    if (reason !== undefined) throw forbiddenAddress(access, reason, namedBy);
    const answer = await request(url, {
      method: sent.method,
      headers: headersOf(sent, foreign),
      dispatcher: agent,
      signal: dog.signal,
      ...(sent.body === undefined ? {} : { body: bodyOf(sent.body, dog, timeoutMs) }),
    });
    const next = redirectTarget(answer.statusCode, answer.headers, trail.hop, access);
    if (next === undefined) return answer;
    await answer.body.dump();
    if (!mayFollow(sent, answer.statusCode)) {
      const { method } = sent;
      throw refused(
        access,
        `redirects ${method} ${url.pathname} (${answer.statusCode}): mend its configuration`,
      );
    }
    trail.hop = next;
  }
  throw refused(access, `redirects in circles (${sent.url.pathname}): mend its configuration`);
}

/** A header that may be there once; of several the first. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** A URL that a registry named, where it may be gone to. Throws terminal RegistryRefused. */
export function namedUrl(access: RegistryAccess, location: string, from: URL, what: string): URL {
  const url = URL.parse(location, from.href);
  const allowed = access.insecure ? ['https:', 'http:'] : ['https:'];
  if (url === null || !allowed.includes(url.protocol)) {
    throw refused(
      access,
      `${what} what is no HTTPS address: mend its configuration (the address it believes to have), or set insecure: true`,
    );
  }
  url.username = '';
  url.password = '';
  return url;
}

interface Hop {
  readonly url: URL;
  /** Once a redirect has left the registry, what comes after is not the registry's word, even where it leads back there. */
  readonly foreign: boolean;
  readonly namedBy: string;
}

function redirectTarget(
  status: number,
  headers: IncomingHttpHeaders,
  from: Hop,
  access: RegistryAccess,
): Hop | undefined {
  const location = headerOf(headers, 'location');
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined;
  const url = namedUrl(access, location, from.url, 'redirects to');
  return { url, foreign: from.foreign || url.origin !== from.url.origin, namedBy: 'its redirect' };
}

/** The older statuses turn whatever was sent into a GET (RFC 9110, 15.4). */
const mayFollow = ({ method, body }: RegistryRequest, status: number): boolean =>
  method === 'GET' || method === 'HEAD' || (!isStream(body) && (status === 307 || status === 308));

export const isStream = (body: RegistryRequest['body']): boolean =>
  body !== undefined && !(body instanceof Uint8Array);

/** undici takes every iterable (docs/api/Dispatcher.md, "body"); its types know streams only. */
const bodyOf = (
  body: Uint8Array | AsyncIterable<Uint8Array>,
  dog: Watchdog,
  timeoutMs: number,
): Uint8Array | Readable =>
  body instanceof Uint8Array ? body : (watched(body, dog, timeoutMs) as unknown as Readable);

function headersOf(sent: RegistryRequest, foreign: boolean): Record<string, string> {
  return {
    'user-agent': 'undercloud',
    ...sent.headers,
    ...(sent.authorization === undefined || foreign ? {} : { authorization: sent.authorization }),
  };
}

const forbiddenAddress = ({ host }: RegistryAccess, reason: string, namedBy: string): OperatorError =>
  terminal(
    'AddressForbidden',
    `registry ${host} is not spoken to at ${reason}, where ${namedBy} leads: correct it, or start the operator with --allow-local-registries`,
  );
