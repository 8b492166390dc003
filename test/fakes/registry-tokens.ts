// The token server of a fake registry: another server, as with public registries. Tokens allow what was asked for.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Faults } from './registry-faults.ts';

export interface FakeTokenServer {
  readonly url: string;
  /** Whether the header holds a token that allows all of `scopes`. */
  accepts(authorization: string | undefined, scopes: readonly string[]): boolean;
  /** How many tokens were given out, by scopes. */
  given(): Readonly<Record<string, number>>;
  expire(): void;
  close(): Promise<void>;
}

/** `login`: what it wants as Authorization; undefined: anybody gets a token. */
export async function startFakeTokenServer(
  login: string | undefined,
  faults: Faults,
): Promise<FakeTokenServer> {
  const valid = new Map<string, readonly string[]>();
  const given: Record<string, number> = {};
  const server = createServer((request, response) => {
    const scopes = new URL(request.url ?? '', 'http://token').searchParams.getAll('scope');
    if (faults.tokenAnswer !== undefined) {
      response.writeHead(faults.tokenAnswer.status).end(faults.tokenAnswer.body);
      return;
    }
    if (login !== undefined && request.headers.authorization !== login) {
      response.writeHead(401).end();
      return;
    }
    const key = scopes.join(' ');
    given[key] = (given[key] ?? 0) + 1;
    const token = `token-${Object.values(given).reduce((sum, count) => sum + count, 0)}`;
    if (!faults.badTokens) valid.set(`Bearer ${token}`, scopes.flatMap(actionsOf));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token, expires_in: faults.tokenLife }));
  });
  const port = await listenLocally(server);
  return {
    url: `http://127.0.0.1:${port}/token`,
    accepts: (authorization, scopes) => {
      const allowed = valid.get(authorization ?? '');
      return allowed !== undefined && scopes.flatMap(actionsOf).every((action) => allowed.includes(action));
    },
    given: () => given,
    expire: () => valid.clear(),
    close: () => stopServer(server),
  };
}

/** `repository:a/b:pull,push` as `repository:a/b:pull` and `repository:a/b:push`. */
function actionsOf(scope: string): readonly string[] {
  const colon = scope.lastIndexOf(':');
  return scope
    .slice(colon + 1)
    .split(',')
    .map((action) => `${scope.slice(0, colon)}:${action}`);
}

export const listenLocally = (server: Server, port = 0): Promise<number> =>
  new Promise((resolve) =>
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );

export const stopServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
