// Finds out how one registry wants to be spoken to (TLS or not, which login), remembers it, and asks accordingly.
import type { Clock } from '../../kernel/clock.ts';
import { OperatorError, terminal, transient } from '../../kernel/errors.ts';
import { createAuthorizer } from './authorizer.ts';
import { createGovernor } from './governor.ts';
import type { RegistryAccess } from './port.ts';
import {
  createTransport,
  headerOf,
  refused,
  type RegistryRequest,
  type RegistryResponse,
} from './transport.ts';

export interface RegistryQuestion {
  readonly method: 'GET' | 'HEAD';
  /** Below `/v2/`. */
  readonly path: string;
  readonly accept: string;
  /** What a token must allow: `repository:<name>:pull`. */
  readonly scope: string;
}

export interface RegistrySession {
  /** Throws what `Registry` says. Does nothing when it is known how the registry answers. */
  open(signal: AbortSignal): Promise<void>;
  /** Whatever it answers, after logging in where it wanted that. Throws as `open`. */
  ask(question: RegistryQuestion, signal: AbortSignal): Promise<RegistryResponse>;
  close(): Promise<void>;
}

export interface RegistrySessionDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly timeoutMs: number;
}

export function createRegistrySession(access: RegistryAccess, deps: RegistrySessionDeps): RegistrySession {
  const governor = createGovernor({ host: access.host, ...deps });
  const transport = createTransport({ access, governor, timeoutMs: deps.timeoutMs });
  const authorizer = createAuthorizer({ access, transport, clock: deps.clock });
  /** `https://host/v2/` or `http://host/v2/`, once it has answered there. */
  let base: URL | undefined;

  /** Sends; on a 401 does what it asks for and sends once more. */
  const send = async (
    request: Omit<RegistryRequest, 'authorization'>,
    scope: string,
    signal: AbortSignal,
  ): Promise<RegistryResponse> => {
    for (let again = false; ; again = true) {
      const authorization = await authorizer.header(scope);
      const response = await transport.send({ ...request, authorization }, signal);
      if (response.status !== 401 || response.foreign || again) return response;
      await response.discard();
      authorizer.challenged(scope, authorization, headerOf(response.headers, 'www-authenticate'));
    }
  };

  const ping = async (url: URL, signal: AbortSignal): Promise<URL> => {
    // Without credentials a registry may give no token for nothing in particular, and yet for each image.
    const anonymous = access.credentials === undefined;
    const response = anonymous
      ? await transport.send({ method: 'GET', url }, signal)
      : await send({ method: 'GET', url }, '', signal);
    await response.discard();
    if (response.status === 200 || (anonymous && response.status === 401)) return url;
    throw refusal(access, response.status, 'GET /v2/');
  };

  const findBase = async (signal: AbortSignal): Promise<URL> => {
    const host = apiHost(access.host);
    try {
      return await ping(new URL(`https://${host}/v2/`), signal);
    } catch (error) {
      if (!access.insecure || !isAway(error)) throw error;
      return ping(new URL(`http://${host}/v2/`), signal);
    }
  };

  return {
    async open(signal) {
      base ??= await findBase(signal);
    },
    async ask({ method, path, accept, scope }, signal) {
      base ??= await findBase(signal);
      try {
        return await send({ method, url: new URL(path, base), accept }, scope, signal);
      } catch (error) {
        // What comes back may speak another way: find out again.
        if (isAway(error)) base = undefined;
        throw error;
      }
    },
    close: () => transport.close(),
  };
}

/** A status that no request of ours expects, in words; `what` is the request or the image. */
export function refusal(access: RegistryAccess, status: number, what: string): OperatorError {
  const { host, credentials } = access;
  if (status === 401 || status === 403) {
    // No user name: that comes from a Secret, and with some registries it is the token itself.
    const who =
      credentials === undefined
        ? `without a login (${status}): name a Secret in credentialsName whose user may pull`
        : `with the login of credentialsName (${status}): check the Secret that it names, and that its user may pull`;
    return terminal('RegistryAuthFailed', `registry ${host} refuses ${what} ${who}`);
  }
  if (status >= 500) {
    return transient('RegistryUnreachable', `registry ${host} fails on ${what} (${status}): look at its log`);
  }
  return refused(
    access,
    `answers ${status} to ${what}: check that it is a registry (OCI distribution, API version 2)`,
  );
}

/** `docker.io` is a name for people; its registry answers elsewhere (as the distribution project's reference package has it). */
const apiHost = (host: string): string => (host === 'docker.io' ? 'registry-1.docker.io' : host);

/** True when nothing, or nothing that speaks TLS, was found at the address. */
const isAway = (error: unknown): boolean =>
  error instanceof OperatorError &&
  (error.reason === 'RegistryUnreachable' || error.reason === 'RegistryCertificateInvalid');
