// Finds out how one registry wants to be spoken to (TLS or not, which login), remembers it, and asks accordingly.
import type { Clock } from '../../kernel/clock.ts';
import { OperatorError } from '../../kernel/errors.ts';
import type { AddressGuard } from './address.ts';
import { createAuthorizer } from './authorizer.ts';
import { createGovernor } from './governor.ts';
import type { RegistryAccess } from './port.ts';
import { apiUrl } from './reference.ts';
import { parseRefusal, refusal, type Said } from './refusal.ts';
import { headerOf, type RegistryRequest, type RegistryResponse } from './exchange.ts';
import { createTransport } from './transport.ts';

/** Error bodies are read so far. */
const mostErrorBytes = 64 * 1024;

export interface RegistryQuestion extends Pick<
  RegistryRequest,
  'method' | 'headers' | 'body' | 'patience' | 'namedBy'
> {
  /** A path below `/v2/`, or a URL that the registry named: on another server it gets no login. */
  readonly target: string | URL;
  /** What a token must allow: `repository:<name>:pull` and the like. */
  readonly scopes: readonly string[];
}

export interface RegistrySession {
  /** Throws what `Registry` says. Does nothing when it is known how the registry answers. */
  open(signal: AbortSignal): Promise<void>;
  /**
   * Whatever it answers, after logging in where it wanted that. A streamed body is sent once: the login that a 401 asks for is
   * there for the next question. Throws as `open`.
   */
  ask(question: RegistryQuestion, signal: AbortSignal): Promise<RegistryResponse>;
  /** Reads an answer that was not hoped for. */
  heard(response: RegistryResponse): Promise<Said>;
  close(): Promise<void>;
}

export interface RegistrySessionDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly guard: AddressGuard;
  /** See RegistryRequest.patience. */
  readonly timeoutMs: number;
}

export function createRegistrySession(access: RegistryAccess, deps: RegistrySessionDeps): RegistrySession {
  const governor = createGovernor({ host: access.host, ...deps });
  const transport = createTransport({ access, governor, ...deps });
  const authorizer = createAuthorizer({ access, transport, clock: deps.clock });
  /** `https://host/v2/` or `http://host/v2/`, once it has answered there. */
  let base: URL | undefined;

  /** Sends; on a 401 does what it asks for and sends once more. */
  const send = async (
    request: Omit<RegistryRequest, 'authorization'>,
    scopes: readonly string[],
    signal: AbortSignal,
  ): Promise<RegistryResponse> => {
    const canRepeat = request.body === undefined || request.body instanceof Uint8Array;
    for (let again = false; ; again = true) {
      const authorization = await authorizer.header(scopes);
      const response = await transport.send({ ...request, authorization }, signal);
      if (response.status !== 401 || response.foreign || again) return response;
      authorizer.challenged(scopes, authorization, headerOf(response.headers, 'www-authenticate'));
      if (!canRepeat) return response;
      await response.discard();
    }
  };

  const heard: RegistrySession['heard'] = async (response) =>
    parseRefusal(response.status, await bodyOf(response), authorizer.secrets());

  const ping = async (url: URL, signal: AbortSignal): Promise<URL> => {
    // Without credentials a registry may give no token for nothing in particular, and yet for each image.
    const anonymous = access.credentials === undefined;
    const response = anonymous
      ? await transport.send({ method: 'GET', url }, signal)
      : await send({ method: 'GET', url }, [], signal);
    if (response.status === 200 || (anonymous && response.status === 401)) {
      await response.discard();
      return url;
    }
    throw refusal(access, await heard(response), 'GET /v2/');
  };

  const findBase = async (signal: AbortSignal): Promise<URL> => {
    try {
      return await ping(apiUrl(access.host, 'https'), signal);
    } catch (error) {
      if (!access.insecure || !isAway(error)) throw error;
      return ping(apiUrl(access.host, 'http'), signal);
    }
  };

  return {
    async open(signal) {
      base ??= await findBase(signal);
    },
    async ask({ target, scopes, ...request }, signal) {
      base ??= await findBase(signal);
      const { origin } = base;
      try {
        const url = typeof target === 'string' ? new URL(target, base) : target;
        if (url.origin === origin) return await send({ ...request, url }, scopes, signal);
        return { ...(await transport.send({ ...request, url }, signal)), foreign: true };
      } catch (error) {
        // What comes back may speak another way: find out again.
        if (isAway(error)) base = undefined;
        throw error;
      }
    },
    heard,
    close: () => transport.close(),
  };
}

async function bodyOf(response: RegistryResponse): Promise<string> {
  try {
    return Buffer.from(await response.read(mostErrorBytes)).toString();
  } catch {
    // Its status says enough: a body that breaks off or never ends does not change what it means.
    return '';
  }
}

/** True when nothing, or nothing that speaks TLS, was found at the address. */
const isAway = (error: unknown): boolean =>
  error instanceof OperatorError &&
  (error.reason === 'RegistryUnreachable' || error.reason === 'RegistryCertificateInvalid');
