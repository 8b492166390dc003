// Debian's docker-registry on a free loopback port: plain, with a login, or with TLS; and a way to push small images to it.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';
import { eventually } from '../../support/wait.ts';

const run = promisify(execFile);

export interface DockerRegistry {
  /** `127.0.0.1:port` */
  readonly host: string;
  /** PEM; empty without TLS. */
  readonly ca: string;
  /** Made anew for each run; used where `login` was asked for. */
  readonly credentials: { readonly username: string; readonly password: string };
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
  stop(): Promise<void>;
}

interface Options {
  readonly tls?: boolean;
  readonly login?: boolean;
}

export async function startDockerRegistry({
  tls = false,
  login = false,
}: Options = {}): Promise<DockerRegistry> {
  const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-registry-'));
  const credentials = { username: 'lab', password: randomBytes(12).toString('hex') };
  if (tls) await makeCertificate(directory);
  if (login) await writeFile(path.join(directory, 'htpasswd'), `lab:${await bcrypt(credentials.password)}\n`);
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  await writeFile(
    path.join(directory, 'config.json'),
    JSON.stringify(configuration(directory, host, { tls, login })),
  );
  const child = spawn('docker-registry', ['serve', path.join(directory, 'config.json')], { stdio: 'ignore' });
  const ca = tls ? await readFile(path.join(directory, 'cert.pem'), 'utf8') : '';
  const agent = new Agent(tls ? { connect: { ca } } : {});
  const base = `${tls ? 'https' : 'http'}://${host}`;
  const authorization = login
    ? `Basic ${Buffer.from(`lab:${credentials.password}`).toString('base64')}`
    : undefined;

  const send = async (method: string, url: string, type: string, body: string): Promise<string> => {
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

  await eventually(`docker-registry answers on ${host}`, 20, () =>
    request(`${base}/v2/`, { dispatcher: agent }).then(({ body }) => body.dump().then(() => true)),
  );
  return {
    host,
    ca,
    credentials,
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
    stop: async () => {
      await agent.destroy();
      await ended(child);
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

/** As YAML, of which JSON is a part. */
const configuration = (directory: string, addr: string, { tls, login }: Options) => ({
  version: '0.1',
  log: { level: 'error' },
  storage: { filesystem: { rootdirectory: path.join(directory, 'data') } },
  http: {
    addr,
    ...(tls === true
      ? { tls: { certificate: path.join(directory, 'cert.pem'), key: path.join(directory, 'key.pem') } }
      : {}),
  },
  ...(login === true ? { auth: { htpasswd: { realm: 'lab', path: path.join(directory, 'htpasswd') } } } : {}),
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

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill();
  });
