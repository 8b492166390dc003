// Finds the Authorization header for a request: none, Basic, or a bearer token, fetched once per set of scopes and shared.
import type { Clock } from '../../kernel/clock.ts';
import { terminal, transient, type OperatorError } from '../../kernel/errors.ts';
import { parseChallenge, type Challenge } from './challenge.ts';
import type { RegistryAccess } from './port.ts';
import type { Transport } from './transport.ts';

/** The life of a token that does not say how long it lives (distribution project, "Token Authentication Specification"). */
const usualTokenSeconds = 60;
/** A token is renewed when this part of its life is over, so that none expires on its way. */
const usableLife = 0.8;
const largestAnswer = 1024 * 1024;
/** Tokens out of use that requests under way may still show; more of these than that are not sent at once. */
const mostFormer = 64;

export interface Authorizer {
  /** The header for `scopes` (`repository:<name>:pull` and the like). Throws terminal RegistryAuthFailed. */
  header(scopes: readonly string[]): Promise<string | undefined>;
  /**
   * The registry answered 401 to `rejected` with this challenge: the next header is another, where there is one. Throws
   * terminal RegistryAuthFailed when it wants what we do not have.
   */
  challenged(scopes: readonly string[], rejected: string | undefined, challenge: string | undefined): void;
  /** What must never be shown: the password, and all that goes or lately went into headers. */
  secrets(): readonly string[];
}

interface Entry {
  /** Shared by all who need it while it is being fetched. */
  readonly header: Promise<string>;
  /** The same, once it is there. */
  value?: string;
  /** On the monotonic clock. */
  renewAt: number;
}

type Bearer = Challenge & { readonly kind: 'bearer' };

interface AuthorizerDeps {
  readonly access: RegistryAccess;
  readonly transport: Transport;
  readonly clock: Clock;
}

export function createAuthorizer(deps: AuthorizerDeps): Authorizer {
  const { access, transport, clock } = deps;
  let challenge: Challenge | undefined;
  const entries = new Map<string, Entry>();
  /** The oldest first. */
  const former: string[] = [];

  const retire = (value: string | undefined): void => {
    if (value !== undefined) former.push(value);
    if (former.length > mostFormer) former.shift();
  };

  const fetchToken = (scopes: readonly string[], bearer: Bearer): Entry => {
    const entry: Entry = {
      header: requestToken(access, transport, tokenUrl(access, bearer, scopes)).then(({ token, seconds }) => {
        entry.renewAt = clock.monotonic() + seconds * 1000 * usableLife;
        entry.value = `Bearer ${token}`;
        return entry.value;
      }),
      renewAt: Infinity,
    };
    entry.header.catch(() => {
      if (entries.get(keyOf(scopes)) === entry) entries.delete(keyOf(scopes));
    });
    return entry;
  };

  const bearerHeader = (scopes: readonly string[], bearer: Bearer): Promise<string> => {
    let entry = entries.get(keyOf(scopes));
    if (entry === undefined || entry.renewAt <= clock.monotonic()) {
      retire(entry?.value);
      entry = fetchToken(scopes, bearer);
      entries.set(keyOf(scopes), entry);
    }
    return entry.header;
  };

  return {
    async header(scopes) {
      switch (challenge?.kind) {
        case undefined:
          return undefined;
        case 'basic':
          return basicHeader(access);
        case 'bearer':
          return bearerHeader(scopes, challenge);
      }
    },
    challenged(scopes, rejected, header = '') {
      challenge = legalChallenge(access, header);
      // Of many requests that were refused together only the first makes us fetch again.
      const key = keyOf(scopes);
      if (rejected === undefined || entries.get(key)?.value !== rejected) return;
      entries.delete(key);
      retire(rejected);
    },
    secrets: () =>
      [
        access.credentials?.password,
        basicHeader(access),
        ...[...entries.values()].map(({ value }) => value),
        ...former,
      ]
        .map((secret) => secret?.replace(/^(Basic|Bearer) /, ''))
        .filter((secret) => secret !== undefined),
  };
}

/** Throws terminal RegistryAuthFailed for one that we cannot meet. */
function legalChallenge({ host, credentials }: RegistryAccess, header: string): Challenge {
  const wanted = parseChallenge(header);
  if (wanted === undefined) {
    throw terminal(
      'RegistryAuthFailed',
      `registry ${host} wants a kind of login other than Basic or Bearer: put a proxy before it that takes one of these`,
    );
  }
  if (wanted.kind === 'basic' && credentials === undefined) {
    throw terminal(
      'RegistryAuthFailed',
      `registry ${host} wants a user name and a password: name a Secret that has them in credentialsName`,
    );
  }
  return wanted;
}

const keyOf = (scopes: readonly string[]): string => scopes.join(' ');

const basicHeader = ({ credentials }: RegistryAccess): string | undefined =>
  credentials && `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;

function tokenUrl(access: RegistryAccess, bearer: Bearer, scopes: readonly string[]): URL {
  const url = URL.parse(bearer.realm);
  const allowed = access.insecure ? ['https:', 'http:'] : ['https:'];
  if (url === null || !allowed.includes(url.protocol)) {
    throw terminal(
      'RegistryAuthFailed',
      `registry ${access.host} names a token server that is no HTTPS address, and no password is sent there: mend its realm, or set insecure: true`,
    );
  }
  url.username = '';
  url.password = '';
  if (bearer.service !== undefined) url.searchParams.set('service', bearer.service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return url;
}

/** Not bound to one caller's signal: others wait for the same token. The transport's deadline ends it. */
async function requestToken(
  access: RegistryAccess,
  transport: Transport,
  url: URL,
): Promise<{ readonly token: string; readonly seconds: number }> {
  const authorization = basicHeader(access);
  const response = await transport.send(
    { method: 'GET', url, authorization, namedBy: 'its token server' },
    new AbortController().signal,
  );
  if (response.status !== 200) {
    await response.discard();
    throw tokenRefusal(access, url, response.status);
  }
  const text = Buffer.from(await response.read(largestAnswer)).toString();
  const { token, access_token, expires_in } = parseAnswer(text);
  const value = token ?? access_token;
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw terminal(
      'RegistryAuthFailed',
      `the token server ${url.host} of registry ${access.host} answers without a token: check the realm that the registry names`,
    );
  }
  const seconds = typeof expires_in === 'number' && expires_in > 0 ? expires_in : usualTokenSeconds;
  return { token: value, seconds };
}

interface TokenAnswer {
  readonly token?: unknown;
  readonly access_token?: unknown;
  readonly expires_in?: unknown;
}

function parseAnswer(text: string): TokenAnswer {
  try {
    return (JSON.parse(text) ?? {}) as TokenAnswer;
  } catch {
    // The caller says that there is no token in it: an answer may hold secrets and is not quoted.
    return {};
  }
}

function tokenRefusal({ host, credentials }: RegistryAccess, url: URL, status: number): OperatorError {
  const server = `the token server ${url.host} of registry ${host}`;
  if (status >= 500) return transient('RegistryUnreachable', `${server} fails (${status}): look at its log`);
  if (status === 429) {
    return transient(
      'RegistryThrottled',
      `${server} keeps answering 429 (too many requests): wait, or raise its limit`,
    );
  }
  return terminal(
    'RegistryAuthFailed',
    credentials === undefined
      ? `${server} gives no token without a login (${status}): name a Secret with user name and password in credentialsName`
      : `${server} refuses the login of credentialsName (${status}): correct the Secret that it names`,
  );
}
