// A token server as registries send their clients to (distribution project, "Token Authentication Specification"), over TLS.
import { createPrivateKey, randomUUID, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TokenServerOptions {
  /** PEM: a certificate for 127.0.0.1 and its key (P-256), for TLS and for signing. The registry's rootcertbundle is the same. */
  readonly cert: string;
  readonly key: string;
  /** As the registry's configuration has them. */
  readonly service: string;
  readonly issuer: string;
  /** Who gets tokens that allow pushing. Others get such for pulling. */
  readonly credentials: { readonly username: string; readonly password: string };
}

export interface TokenServer {
  /** `https://127.0.0.1:port/token` */
  readonly realm: string;
  /** A token, as `scopes` (`repository:<name>:pull,push`) ask for it. */
  mint(scopes: readonly string[]): string;
  /** The scopes of each token that was given out, in order. */
  given(): readonly string[];
  /** How long tokens live from now on, in seconds, and how long they say they do: the same unless it lies. */
  live(seconds: number, said?: number): void;
  close(): Promise<void>;
}

/** The distribution project's registry takes tokens so much longer (registry/auth/token/token.go, Leeway). */
const leewaySeconds = 60;

export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const { cert, key, credentials } = options;
  const signer = { key: createPrivateKey(key), chain: [new X509Certificate(cert).raw.toString('base64')] };
  const given: string[] = [];
  let life = { seconds: 300, said: 300 };
  const mint = (scopes: readonly string[]): string => jwt(signer, claims(options, scopes, life.seconds));

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '', 'https://token');
    const known = identify(request.headers.authorization, credentials);
    if (known === 'wrong' || url.searchParams.get('service') !== options.service) {
      response.writeHead(401).end();
      return;
    }
    const asked = url.searchParams.getAll('scope');
    given.push(asked.join(' '));
    const allowed = known === 'pusher' ? asked : asked.map((scope) => scope.replace(/:pull,push$/, ':pull'));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({ token: mint(allowed), expires_in: life.said, issued_at: new Date().toISOString() }),
    );
  };

  const server = createServer({ cert, key }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    realm: `https://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    mint,
    given: () => given,
    live: (seconds, said = seconds) => void (life = { seconds, said }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function identify(
  authorization: string | undefined,
  { username, password }: TokenServerOptions['credentials'],
): 'pusher' | 'anybody' | 'wrong' {
  if (authorization === undefined) return 'anybody';
  const wanted = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  return authorization === wanted ? 'pusher' : 'wrong';
}

/** distribution project, "Token Authentication Implementation", claim set. */
function claims({ issuer, service }: TokenServerOptions, scopes: readonly string[], seconds: number): object {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: issuer,
    aud: service,
    sub: 'lab',
    exp: now + seconds - leewaySeconds,
    nbf: now - leewaySeconds,
    iat: now,
    jti: randomUUID(),
    access: scopes.map((scope) => {
      const [type = '', name = '', actions = ''] = scope.split(':');
      return { type, name, actions: actions.split(',') };
    }),
  };
}

/** RFC 7515, compact serialisation; ES256 (RFC 7518, 3.4) with the certificate in x5c. */
function jwt(
  { key, chain }: { readonly key: KeyObject; readonly chain: readonly string[] },
  payload: object,
): string {
  const parts = [{ typ: 'JWT', alg: 'ES256', x5c: chain }, payload].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const signature = sign('sha256', Buffer.from(parts.join('.')), { key, dsaEncoding: 'ieee-p1363' });
  return [...parts, signature.toString('base64url')].join('.');
}
