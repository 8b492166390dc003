// A registry in a few lines that misbehaves on request: logins, token server, 429, redirects, lies, silence.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface FakeRegistryOptions {
  readonly login?: 'basic' | 'token';
  readonly username?: string;
  readonly password?: string;
  /** PEM; without it the registry speaks plain HTTP. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Unset: any free one. */
  readonly port?: number;
}

/** Set these at any time; they count for manifests only, unless said otherwise. */
export interface Faults {
  /** So many requests of any kind are answered with 429. */
  throttles: number;
  retryAfter: string;
  /** Announces the digest of something else. */
  liesAboutDigest: boolean;
  /** Leaves Docker-Content-Digest out. */
  omitsDigest: boolean;
  /** Sends this instead of the manifest's media type. */
  mediaType: string | undefined;
  /** Redirects to the same path on another server. */
  redirectsTo: string | undefined;
  /** Accepts requests of any kind and never answers. */
  silent: boolean;
  /** Answers any request with this status. */
  status: number | undefined;
  /** Gives tokens that are not accepted. */
  badTokens: boolean;
  /** Sends this as WWW-Authenticate. */
  challenge: string | undefined;
  /** The token server answers this. */
  tokenAnswer: { readonly status: number; readonly body: string } | undefined;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
}

export interface FakeRegistry {
  /** `127.0.0.1:port` */
  readonly host: string;
  readonly faults: Faults;
  /** Puts a manifest there and yields its digest. */
  push(repository: string, tag: string, content?: string): string;
  remove(repository: string, tag: string): void;
  /** All requests so far but those to the token server. */
  requests(): readonly SeenRequest[];
  /** How many tokens were given out, by scope. */
  tokens(): Readonly<Record<string, number>>;
  /** Tokens given out before are not accepted any more. */
  expireTokens(): void;
  close(): Promise<void>;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

export const digestOf = (content: string): string =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`;

const noFaults = (): Faults => ({
  throttles: 0,
  retryAfter: '1',
  liesAboutDigest: false,
  omitsDigest: false,
  mediaType: undefined,
  redirectsTo: undefined,
  silent: false,
  status: undefined,
  badTokens: false,
  challenge: undefined,
  tokenAnswer: undefined,
});

export async function startFakeRegistry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const faults = noFaults();
  const manifests = new Map<string, string>();
  const requests: SeenRequest[] = [];
  const tokenServer = await startTokenServer(options, faults);

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const { method = '', url: path = '', headers } = request;
    requests.push({ method, path, authorization: headers.authorization });
    if (faults.silent) return;
    if (faults.throttles > 0) {
      faults.throttles -= 1;
      response.writeHead(429, { 'retry-after': faults.retryAfter }).end();
    } else if (faults.status !== undefined) {
      response.writeHead(faults.status).end();
    } else if (!isLoggedIn(options, tokenServer, headers.authorization)) {
      const challenge =
        options.login === 'basic' ? 'Basic realm="fake"' : `Bearer realm="${tokenServer.url}",service="fake"`;
      response.writeHead(401, { 'www-authenticate': faults.challenge ?? challenge }).end();
    } else if (path === '/v2/') {
      response.writeHead(200).end('{}');
    } else {
      answerManifest(faults, manifests.get(path), request, response);
    }
  };

  const server = options.tls === undefined ? createServer(handle) : createTlsServer(options.tls, handle);
  const port = await listen(server, options.port);
  return {
    host: `127.0.0.1:${port}`,
    faults,
    push(repository, tag, content = JSON.stringify({ schemaVersion: 2, repository, tag })) {
      manifests.set(`/v2/${repository}/manifests/${tag}`, content);
      manifests.set(`/v2/${repository}/manifests/${digestOf(content)}`, content);
      return digestOf(content);
    },
    remove: (repository, tag) => void manifests.delete(`/v2/${repository}/manifests/${tag}`),
    requests: () => requests,
    tokens: tokenServer.given,
    expireTokens: tokenServer.expire,
    async close() {
      await Promise.all([stop(server), tokenServer.close()]);
    },
  };
}

function answerManifest(
  faults: Faults,
  content: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (faults.redirectsTo !== undefined) {
    response.writeHead(307, { location: `${faults.redirectsTo}${request.url ?? ''}` }).end();
  } else if (content === undefined) {
    response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
  } else {
    const digest = digestOf(faults.liesAboutDigest ? 'something else' : content);
    response.writeHead(200, {
      'content-type': faults.mediaType ?? manifestType,
      ...(faults.omitsDigest ? {} : { 'docker-content-digest': digest }),
    });
    response.end(request.method === 'HEAD' ? undefined : content);
  }
}

interface TokenServer {
  readonly url: string;
  accepts(authorization: string | undefined): boolean;
  readonly given: () => Readonly<Record<string, number>>;
  readonly expire: () => void;
  close(): Promise<void>;
}

/** Another server, as with public registries. */
async function startTokenServer(options: FakeRegistryOptions, faults: Faults): Promise<TokenServer> {
  const valid = new Set<string>();
  const given: Record<string, number> = {};
  const server = createServer((request, response) => {
    const scope = new URL(request.url ?? '', 'http://token').searchParams.get('scope') ?? '';
    if (faults.tokenAnswer !== undefined) {
      response.writeHead(faults.tokenAnswer.status).end(faults.tokenAnswer.body);
      return;
    }
    if (options.username !== undefined && request.headers.authorization !== basic(options)) {
      response.writeHead(401).end();
      return;
    }
    given[scope] = (given[scope] ?? 0) + 1;
    const token = `token-${Object.values(given).reduce((sum, count) => sum + count, 0)}`;
    if (!faults.badTokens) valid.add(`Bearer ${token}`);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token, expires_in: 300 }));
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}/token`,
    accepts: (authorization) => authorization !== undefined && valid.has(authorization),
    given: () => given,
    expire: () => valid.clear(),
    close: () => stop(server),
  };
}

function isLoggedIn(
  options: FakeRegistryOptions,
  tokenServer: TokenServer,
  authorization: string | undefined,
): boolean {
  if (options.login === undefined) return true;
  return options.login === 'basic' ? authorization === basic(options) : tokenServer.accepts(authorization);
}

const basic = ({ username = '', password = '' }: FakeRegistryOptions): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

const listen = (server: Server, port = 0): Promise<number> =>
  new Promise((resolve) =>
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );

const stop = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
