// Makes small images, pushes them to a plain registry, and reads them back as whoever pulls them does.
import { createHash, randomBytes } from 'node:crypto';

const types = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
};

export interface Blob {
  readonly digest: string;
  readonly bytes: Buffer;
}

/** An image as it was pushed. */
export interface Pushed {
  readonly digest: string;
  readonly manifest: string;
  readonly config: Blob;
  readonly layers: readonly Blob[];
}

/** Incompressible, as layers are. */
export const layer = (bytes: number): Blob => blobOf(randomBytes(bytes));

const blobOf = (bytes: Buffer): Blob => ({ digest: digestOf(bytes), bytes });

const digestOf = (content: Uint8Array | string): string =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`;

/** Pushes one image under all of `tags`. */
export async function push(
  host: string,
  repository: string,
  tags: readonly string[],
  labels: Readonly<Record<string, string>>,
  layers: readonly Blob[],
): Promise<Pushed> {
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) };
  const content = { architecture: 'amd64', os: 'linux', config: { Labels: labels }, rootfs };
  const config = blobOf(Buffer.from(JSON.stringify(content)));
  for (const blob of [config, ...layers]) await pushBlob(host, repository, blob);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: { mediaType: types.config, size: config.bytes.length, digest: config.digest },
    layers: layers.map(({ digest, bytes }) => ({ mediaType: types.layer, size: bytes.length, digest })),
  });
  for (const tag of tags) await pushManifest(host, repository, tag, manifest);
  return { digest: digestOf(manifest), manifest, config, layers };
}

export async function pushManifest(
  host: string,
  repository: string,
  tag: string,
  manifest: string,
): Promise<void> {
  const headers = { 'content-type': types.manifest };
  await send(201, `http://${host}/v2/${repository}/manifests/${tag}`, {
    method: 'PUT',
    headers,
    body: manifest,
  });
}

export async function deleteManifest(host: string, repository: string, digest: string): Promise<void> {
  await send(202, `http://${host}/v2/${repository}/manifests/${digest}`, { method: 'DELETE' });
}

export async function pushBlob(host: string, repository: string, { digest, bytes }: Blob): Promise<void> {
  const uploads = `http://${host}/v2/${repository}/blobs/uploads/`;
  const upload = new URL(await send(202, uploads, { method: 'POST' }), uploads);
  upload.searchParams.set('digest', digest);
  await send(201, upload.href, { method: 'PUT', body: new Uint8Array(bytes) });
}

async function send(expected: number, url: string, init: RequestInit): Promise<string> {
  const answer = await fetch(url, init);
  const text = await answer.text();
  if (answer.status !== expected) throw new Error(`${String(init.method)} ${url}: ${answer.status} ${text}`);
  return answer.headers.get('location') ?? '';
}

/** `GET /v2/_catalog`, sorted. */
export async function catalogOf(host: string): Promise<readonly string[]> {
  const answer = await fetch(`http://${host}/v2/_catalog?n=1000`);
  return ((await answer.json()) as { readonly repositories: readonly string[] }).repositories.toSorted();
}

export async function tagsOf(host: string, repository: string): Promise<readonly string[]> {
  const answer = await fetch(`http://${host}/v2/${repository}/tags/list`);
  return ((await answer.json()) as { readonly tags: readonly string[] }).tags;
}

/** The manifest under a tag, byte for byte; undefined where there is none. */
export async function manifestAt(host: string, repository: string, tag: string): Promise<string | undefined> {
  const headers = { accept: types.manifest };
  const answer = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, { headers });
  const text = await answer.text();
  return answer.ok ? text : undefined;
}

/** Pulls a blob, and yields the digest of what came. */
export async function pulledDigest(host: string, repository: string, digest: string): Promise<string> {
  const answer = await fetch(`http://${host}/v2/${repository}/blobs/${digest}`);
  return digestOf(new Uint8Array(await answer.arrayBuffer()));
}
