// Debian's docker-registry on a free loopback port: plain, with a login, a token server or TLS; and a way to push small images.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';
import { startTokenServer, type TokenServer } from '../../support/token-server.ts';
import { eventually } from '../../support/wait.ts';

const run = promisify(execFile);

export interface DockerRegistry {
  /** `127.0.0.1:port` */
  readonly host: string;
  /** PEM; empty without TLS. */
  readonly ca: string;
  /** Made anew for each run; used where `login` or `tokens` was asked for. */
  readonly credentials: { readonly username: string; readonly password: string };
  /** Where `tokens` was asked for. */
  readonly tokens: TokenServer | undefined;
  /** Where it keeps its files. */
  readonly data: string;
  /** Pushes one image of one layer, and yields its manifest's digest and size. */
  push(
    repository: string,
    tag: string,
    mediaType: string,
  ): Promise<{ readonly digest: string; readonly size: number }>;
  /** Pushes an index of what was pushed before. */
  pushIndex(
    repository: string,
    tag: string,
    mediaType: string,
    child: { readonly digest: string; readonly size: number; readonly mediaType: string },
  ): Promise<{ readonly digest: string; readonly size: number }>;
  /** Ends its process at once, and starts another at the same address with the same files. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface DockerRegistryOptions {
  readonly tls?: boolean;
  /** A name and a password. */
  readonly login?: boolean;
  /** Tokens of a server of its own; needs TLS. Anybody may pull. */
  readonly tokens?: boolean;
  /** Its files are kept in so many megabytes of memory, and no more. */
  readonly megabytes?: number;
}

export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const { tls = false, login = false, megabytes } = options;
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-registry-'));
  const credentials = { username: 'lab', password: randomBytes(12).toString('hex') };
  if (tls) await makeCertificate(directory);
  if (login) await writeFile(path.join(directory, 'htpasswd'), `lab:${await bcrypt(credentials.password)}\n`);
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const ca = tls ? await readFile(path.join(directory, 'cert.pem'), 'utf8') : '';
  const tokens = options.tokens === true ? await startTokens(directory, ca, credentials) : undefined;
  const config = configuration(directory, host, { ...options, realm: tokens?.realm });
  await writeFile(path.join(directory, 'config.json'), JSON.stringify(config));
  let child = serve(directory, megabytes);
  const agent = new Agent(tls ? { connect: { ca } } : {});
  const base = `${tls ? 'https' : 'http'}://${host}`;
  const authorizationFor = (repository: string): string | undefined => {
    if (tokens !== undefined) return `Bearer ${tokens.mint([`repository:${repository}:pull,push`])}`;
    return login ? `Basic ${Buffer.from(`lab:${credentials.password}`).toString('base64')}` : undefined;
  };

  const send = async (method: string, url: string, type: string, body: string): Promise<string> => {
    const authorization = authorizationFor(/\/v2\/(.+)\/(blobs|manifests)\//.exec(url)?.[1] ?? '');
    const headers = { 'content-type': type, ...(authorization === undefined ? {} : { authorization }) };
    const answer = await request(new URL(url, base), { method, headers, body, dispatcher: agent });
    await answer.body.dump();
    if (answer.statusCode >= 300) throw new Error(`${method} ${url}: ${answer.statusCode}`);
    return String(answer.headers.location ?? '');
  };
  const pushBlob = async (repository: string, content: string) => {
    const upload = new URL(await send('POST', `/v2/${repository}/blobs/uploads/`, 'text/plain', ''), base);
    upload.searchParams.set('digest', digestOf(content));
    await send('PUT', upload.href, 'application/octet-stream', content);
    return { digest: digestOf(content), size: content.length };
  };
  const pushManifest = async (repository: string, tag: string, mediaType: string, parts: object) => {
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType, ...parts });
    await send('PUT', `/v2/${repository}/manifests/${tag}`, mediaType, manifest);
    return { digest: digestOf(manifest), size: manifest.length };
  };

  const answers = () =>
    eventually(`docker-registry answers on ${host}`, 20, () =>
      request(`${base}/v2/`, { dispatcher: agent }).then(({ body }) => body.dump().then(() => true)),
    );
  await answers();
  return {
    host,
    ca,
    credentials,
    tokens,
    data: path.join(directory, 'data'),
    push: async (repository, tag, mediaType) => {
      const kind = mediaType.includes('docker') ? 'docker' : 'oci';
      const config = await pushBlob(repository, JSON.stringify({ architecture: 'amd64', os: 'linux', tag }));
      const layer = await pushBlob(repository, `layer of ${repository}:${tag}`);
      return pushManifest(repository, tag, mediaType, {
        config: { mediaType: partTypes[kind].config, ...config },
        layers: [{ mediaType: partTypes[kind].layer, ...layer }],
      });
    },
    pushIndex: (repository, tag, mediaType, manifest) =>
      pushManifest(repository, tag, mediaType, {
        manifests: [{ ...manifest, platform: { architecture: 'amd64', os: 'linux' } }],
      }),
    restart: async () => {
      await ended(child, 'SIGKILL');
      child = serve(directory, megabytes);
      await answers();
    },
    stop: async () => {
      await agent.destroy();
      await Promise.all([ended(child), tokens?.close()]);
      await rm(directory, { recursive: true });
    },
  };
}

const partTypes = {
  docker: {
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
  oci: {
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
};

/** A file system of its own, that ends with the process, where there is a bound. */
function serve(directory: string, megabytes: number | undefined): ChildProcess {
  const command = ['docker-registry', 'serve', path.join(directory, 'config.json')];
  if (megabytes === undefined) return spawn('docker-registry', command.slice(1), { stdio: 'ignore' });
  const script = `mkdir -p "$DATA" && mount -t tmpfs -o size=${megabytes}m tmpfs "$DATA" && exec "$@"`;
  return spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', ...command], {
    stdio: 'ignore',
    env: { ...process.env, DATA: path.join(directory, 'data') },
  });
}

const realmNames = { service: 'lab-registry', issuer: 'lab-tokens' };

const startTokens = async (
  directory: string,
  cert: string,
  credentials: DockerRegistry['credentials'],
): Promise<TokenServer> =>
  startTokenServer({
    ...realmNames,
    cert,
    credentials,
    key: await readFile(path.join(directory, 'key.pem'), 'utf8'),
  });

/** As YAML, of which JSON is a part. */
const configuration = (
  directory: string,
  addr: string,
  { tls, login, realm }: DockerRegistryOptions & { readonly realm: string | undefined },
) => ({
  version: '0.1',
  log: { level: 'error' },
  storage: { filesystem: { rootdirectory: path.join(directory, 'data') }, delete: { enabled: true } },
  http: {
    addr,
    ...(tls === true
      ? { tls: { certificate: path.join(directory, 'cert.pem'), key: path.join(directory, 'key.pem') } }
      : {}),
  },
  ...(login === true ? { auth: { htpasswd: { realm: 'lab', path: path.join(directory, 'htpasswd') } } } : {}),
  ...(realm === undefined
    ? {}
    : { auth: { token: { realm, ...realmNames, rootcertbundle: path.join(directory, 'cert.pem') } } }),
});

async function makeCertificate(directory: string): Promise<void> {
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
  ];
  const files = ['-keyout', path.join(directory, 'key.pem'), '-out', path.join(directory, 'cert.pem')];
  await run('openssl', [...args, '-subj', '/CN=lab', '-addext', 'subjectAltName=IP:127.0.0.1', ...files]);
}

/** The C library knows bcrypt, the only hash that docker-registry takes, and perl calls it. */
async function bcrypt(password: string): Promise<string> {
  const script = 'print crypt($ENV{PASSWORD}, q($2b$05$) . $ENV{SALT} . "u")';
  const salt = randomBytes(10).toString('hex') + 'u';
  const { stdout } = await run('perl', ['-e', script], {
    env: { ...process.env, PASSWORD: password, SALT: salt },
  });
  return stdout;
}

const digestOf = (content: string): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

const ended = (child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> =>
  new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill(signal);
  });
