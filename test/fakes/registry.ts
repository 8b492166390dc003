// A registry that misbehaves on request: logins, token server, 429, redirects, lies, silence, broken and forgotten uploads.
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { isHalfWritten, noFaults, sendBytes, type Faults } from './registry-faults.ts';
import { createStore, digestOf, type Store, type StoredManifest } from './registry-store.ts';
import { listenLocally, startFakeTokenServer, stopServer } from './registry-tokens.ts';
import { answerUpload, changed, fail, openUpload, type UploadDesk } from './registry-uploads.ts';

export { digestOf };

export interface FakeRegistryOptions {
  readonly login?: 'basic' | 'token';
  readonly username?: string;
  readonly password?: string;
  /** PEM; without it the registry speaks plain HTTP. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Unset: any free one. */
  readonly port?: number;
}

export interface SeenRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

export interface FakeRegistry {
  /** `127.0.0.1:port` */
  readonly host: string;
  readonly faults: Faults;
  /** Puts a manifest there as it is, and yields its digest. */
  push(repository: string, tag: string, content?: string): string;
  putManifest(repository: string, reference: string, content: string | Buffer, mediaType?: string): string;
  putBlob(repository: string, content: string | Buffer): { readonly digest: string; readonly size: number };
  remove(repository: string, reference: string): void;
  removeBlob(repository: string, digest: string): void;
  /** What it has. */
  manifest(repository: string, reference: string): StoredManifest | undefined;
  blob(repository: string, digest: string): Buffer | undefined;
  /** How many uploads are open. */
  uploads(): number;
  /** All requests so far but those to the token server. */
  requests(): readonly SeenRequest[];
  /** How many tokens were given out, by scopes. */
  tokens(): Readonly<Record<string, number>>;
  /** Tokens given out before are not accepted any more. */
  expireTokens(): void;
  close(): Promise<void>;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

export async function startFakeRegistry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const faults = noFaults();
  const store = createStore();
  const requests: SeenRequest[] = [];
  const login = options.username === undefined ? undefined : basic(options);
  const tokenServer = await startFakeTokenServer(login, faults);
  const challenge =
    options.login === 'basic' ? 'Basic realm="fake"' : `Bearer realm="${tokenServer.url}",service="fake"`;
  let ports = { own: 0, side: 0 };
  const desk: UploadDesk = {
    store,
    faults,
    origin: () => `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${ports.own}`,
    otherOrigin: () => `http://127.0.0.1:${ports.side}`,
    expireTokens: tokenServer.expire,
    challenge,
  };

  const isLoggedIn = (request: IncomingMessage): boolean => {
    const { authorization } = request.headers;
    if (options.login === undefined) return true;
    return options.login === 'basic'
      ? authorization === basic(options)
      : tokenServer.accepts(authorization, scopesFor(request));
  };
  const handle = async (
    request: IncomingMessage,
    response: ServerResponse,
    asksLogin: boolean,
  ): Promise<void> => {
    const { method = '', url: path = '', headers } = request;
    requests.push({ method, path, authorization: headers.authorization, headers });
    if (faults.silent) return;
    if (faults.throttles > 0) {
      faults.throttles -= 1;
      response.writeHead(429, { 'retry-after': faults.retryAfter }).end();
    } else if (faults.status !== undefined) {
      response.writeHead(faults.status).end(faults.statusBody);
    } else if (asksLogin ? !isLoggedIn(request) : faults.elsewhereWantsLogin) {
      const body = { errors: [{ code: 'UNAUTHORIZED', message: faults.loginMessage }] };
      response.writeHead(401, { 'www-authenticate': faults.challenge ?? challenge });
      response.end(faults.loginMessage === '' ? undefined : JSON.stringify(body));
    } else if (isHalfWritten(faults, method, path)) {
      response.writeHead(500).end();
    } else {
      await route(desk, request, response);
    }
  };
  const listener = (asksLogin: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    // A client that goes away in mid-upload is what some tests are about.
    handle(request, response, asksLogin).catch(() => response.destroy());
  };

  const server =
    options.tls === undefined ? createServer(listener(true)) : createTlsServer(options.tls, listener(true));
  const sideDoor: Server = createServer(listener(false));
  ports = { own: await listenLocally(server, options.port), side: await listenLocally(sideDoor) };
  const putManifest: FakeRegistry['putManifest'] = (
    repository,
    reference,
    content,
    mediaType = manifestType,
  ) => store.putManifest(repository, reference, { content: Buffer.from(content), mediaType });
  return {
    host: `127.0.0.1:${ports.own}`,
    faults,
    push: (repository, tag, content = JSON.stringify({ schemaVersion: 2, repository, tag })) =>
      putManifest(repository, tag, content),
    putManifest,
    putBlob: (repository, content) => ({
      digest: store.putBlob(repository, Buffer.from(content)),
      size: Buffer.from(content).length,
    }),
    remove: store.removeManifest,
    removeBlob: store.removeBlob,
    manifest: store.manifest,
    blob: store.blob,
    uploads: () => store.uploads().length,
    requests: () => requests,
    tokens: tokenServer.given,
    expireTokens: tokenServer.expire,
    async close() {
      await Promise.all([stopServer(server), stopServer(sideDoor), tokenServer.close()]);
    },
  };
}

/** `/v2/<name>/<what>/<reference>` */
const pathPattern = /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs|tags)\/([^/]*)$/;

function scopesFor({ method = '', url: path = '' }: IncomingMessage): readonly string[] {
  const url = new URL(path, 'http://fake');
  const repository = pathPattern.exec(url.pathname)?.[1];
  if (repository === undefined) return [];
  const from = url.searchParams.get('from');
  // As the distribution project's registry has it, also for uploads that are ended.
  const action = { GET: 'pull', HEAD: 'pull', DELETE: 'delete' }[method] ?? 'pull,push';
  return [`repository:${repository}:${action}`, ...(from === null ? [] : [`repository:${from}:pull`])];
}

async function route(desk: UploadDesk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { store, faults } = desk;
  const { redirectsTo } = faults;
  const url = new URL(request.url ?? '', 'http://fake');
  const [, repository = '', what, reference = ''] = pathPattern.exec(url.pathname) ?? [];
  if (what === undefined) {
    response.writeHead(url.pathname === '/v2/' ? 200 : 404).end('{}');
  } else if (what === 'blobs/uploads' && reference === '') {
    openUpload(desk, repository, url, response);
  } else if (what === 'blobs/uploads') {
    await answerUpload(desk, { id: reference, url }, request, response);
  } else if (what === 'tags') {
    answerTags(desk, repository, url, response);
  } else if (redirectsTo !== undefined) {
    response.writeHead(307, { location: `${redirectsTo}${request.url ?? ''}` }).end();
  } else if (what === 'blobs') {
    answerBlob(desk, store.blob(repository, reference), request, response);
  } else if (request.method === 'PUT') {
    await takeManifest(desk, { repository, reference }, request, response);
  } else {
    answerManifest(faults, store.manifest(repository, reference), request, response);
  }
}

function answerManifest(
  faults: Faults,
  manifest: StoredManifest | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (manifest === undefined) {
    fail(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
    return;
  }
  const digest = digestOf(faults.liesAboutDigest ? 'something else' : manifest.content);
  response.writeHead(200, {
    'content-type': faults.mediaType ?? manifest.mediaType,
    ...(faults.omitsDigest ? {} : { 'docker-content-digest': digest }),
  });
  response.end(request.method === 'HEAD' ? undefined : manifest.content);
}

async function takeManifest(
  { store, faults }: UploadDesk,
  { repository, reference }: { readonly repository: string; readonly reference: string },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const content = Buffer.concat(chunks);
  const missing = namedIn(content).find(
    (digest) =>
      store.blob(repository, digest) === undefined && store.manifest(repository, digest) === undefined,
  );
  if (missing !== undefined) {
    fail(response, 400, 'MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry', { Digest: missing });
    return;
  }
  const mediaType = request.headers['content-type'] ?? '';
  if (!faults.losesManifests) store.putManifest(repository, reference, { content, mediaType });
  faults.halfWritten.delete(`${repository}:${reference}`);
  const digest = digestOf(faults.liesAboutDigest ? 'something else' : content);
  response.writeHead(201, faults.omitsDigest ? {} : { 'docker-content-digest': digest }).end();
}

function namedIn(content: Buffer): readonly string[] {
  interface Named {
    readonly digest: string;
  }
  const { config, layers, manifests } = JSON.parse(content.toString()) as {
    readonly config?: Named;
    readonly layers?: readonly Named[];
    readonly manifests?: readonly Named[];
  };
  return [config, ...(layers ?? []), ...(manifests ?? [])].flatMap((named) => named?.digest ?? []);
}

function answerBlob(
  { faults }: { readonly faults: Faults; readonly store: Store },
  blob: Buffer | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (blob === undefined) {
    fail(response, 404, 'BLOB_UNKNOWN', 'blob unknown to registry');
    return;
  }
  const asked = faults.ignoresRange ? null : /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const from = Number(asked?.[1] ?? 0);
  const content = (faults.corruptsBlobs ? changed(blob) : blob).subarray(from);
  const excess = faults.blobExcess;
  response.writeHead(asked === null ? 200 : 206, {
    ...(excess === undefined ? { 'content-length': content.length } : {}),
    ...(asked === null ? {} : { 'content-range': `bytes ${from}-${blob.length - 1}/${blob.length}` }),
  });
  if (request.method === 'HEAD') {
    response.end();
  } else if (faults.breaksReads > 0 || faults.stallsReads) {
    response.write(content.subarray(0, Math.ceil(content.length / 2)), () => {
      if (!faults.stallsReads) response.destroy();
    });
    faults.breaksReads = Math.max(faults.breaksReads - 1, 0);
  } else if (excess !== undefined) {
    response.end(excess < 0 ? content.subarray(0, excess) : Buffer.concat([content, Buffer.alloc(excess)]));
  } else {
    void sendBytes(content, faults, response);
  }
}

function answerTags(
  { store, faults }: UploadDesk,
  repository: string,
  url: URL,
  response: ServerResponse,
): void {
  const all = store.tags(repository);
  if (all === undefined) {
    fail(response, 404, 'NAME_UNKNOWN', 'repository name not known to registry');
    return;
  }
  const last = url.searchParams.get('last') ?? '';
  const rest = all.filter((tag) => tag > last);
  const page = rest.slice(0, faults.tagsPerPage);
  const next = `${faults.linkPrefix}/v2/${repository}/tags/list?last=${page.at(-1) ?? ''}`;
  response.writeHead(200, rest.length > page.length ? { link: `<${next}>; rel="next"` } : {});
  response.end(JSON.stringify({ name: repository, tags: page.length === 0 ? null : page }));
}

const basic = ({ username = '', password = '' }: FakeRegistryOptions): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
