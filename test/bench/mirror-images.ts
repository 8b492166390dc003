// A set of images like OpenStack's: all share a base, those of a family share a layer, each has its own; pushed to a registry.
import { createHash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { request } from 'undici';
import type { MirrorImage } from '../../src/images/mirror/image.ts';
import type { Descriptor } from '../../src/images/registry/port.ts';

const imageType = 'application/vnd.docker.distribution.manifest.v2+json';
const configType = 'application/vnd.docker.container.image.v1+json';
const layerType = 'application/vnd.docker.image.rootfs.diff.tar.gzip';

/** Megabytes of compressed layers, 2,202 in all. */
const sizes = { base: [220, 140, 60], family: 70, own: [28, 4] } as const;
const imagesOfFamily = 4;

export interface ImageSet {
  readonly images: readonly MirrorImage[];
  readonly blobs: readonly Descriptor[];
  /** Of all distinct blobs. */
  readonly bytes: number;
}

/** Pushes four images a family, 36 in all; `scale` 1 is full size. */
export async function pushImageSet(host: string, scale: number, families = 9): Promise<ImageSet> {
  const blobs = new Map<string, Descriptor>();
  const push = async (repository: string, content: Uint8Array): Promise<Descriptor> => {
    const blob = await pushBlob(host, repository, content);
    blobs.set(blob.digest, blob);
    return blob;
  };
  const layer = (repository: string, megabytes: number): Promise<Descriptor> =>
    push(repository, randomLayer(Math.ceil(megabytes * 1e6 * scale)));
  const home = 'rhosp13/openstack-base';
  const base = await inTurn(sizes.base, (size) => layer(home, size));
  const images: MirrorImage[] = [];
  for (let family = 0; family < families; family += 1) {
    const shared = [...base, await layer(home, sizes.family)];
    for (let member = 0; member < imagesOfFamily; member += 1) {
      const name = `service-${family}-${member}`;
      const path = `rhosp13/openstack-${name}`;
      for (const { digest } of shared) await mount(host, path, digest, home);
      const layers = [...shared, ...(await inTurn(sizes.own, (size) => layer(path, size)))];
      const config = await push(path, configOf(name, layers));
      const digest = await pushManifest(host, path, '13.0-1', { config, layers });
      images.push({ name, source: { path, digest }, destination: { path, tag: '13.0-1' } });
    }
  }
  const bytes = [...blobs.values()].reduce((sum, { size }) => sum + size, 0);
  return { images, blobs: [...blobs.values()], bytes };
}

/** Gzip, as whoever reads the media type may look; stored rather than deflated, as random bytes do not get smaller. */
const randomLayer = (bytes: number): Uint8Array => gzipSync(randomBytes(bytes), { level: 0 });

const configOf = (name: string, layers: readonly Descriptor[]): Uint8Array =>
  Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Labels: { name, version: '13.0', release: '1' } },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    }),
  );

async function pushBlob(host: string, repository: string, content: Uint8Array): Promise<Descriptor> {
  const digest = digestOf(content);
  const upload = await send(host, 'POST', `/v2/${repository}/blobs/uploads/`);
  const location = new URL(upload, `http://${host}`);
  location.searchParams.set('digest', digest);
  await send(host, 'PUT', location.href, content, 'application/octet-stream');
  return { digest, size: content.length };
}

const mount = (host: string, repository: string, digest: string, from: string): Promise<string> =>
  send(host, 'POST', `/v2/${repository}/blobs/uploads/?mount=${digest}&from=${from}`);

async function pushManifest(
  host: string,
  repository: string,
  tag: string,
  { config, layers }: { readonly config: Descriptor; readonly layers: readonly Descriptor[] },
): Promise<string> {
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: imageType,
      config: { mediaType: configType, ...config },
      layers: layers.map((layer) => ({ mediaType: layerType, ...layer })),
    }),
  );
  await send(host, 'PUT', `/v2/${repository}/manifests/${tag}`, manifest, imageType);
  return digestOf(manifest);
}

/** Yields the answer's Location. */
async function send(
  host: string,
  method: 'POST' | 'PUT',
  path: string,
  body: Uint8Array = new Uint8Array(),
  type = 'application/octet-stream',
): Promise<string> {
  const answer = await request(new URL(path, `http://${host}`), {
    method,
    body,
    headers: { 'content-type': type },
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${String(answer.statusCode)} ${text}`);
  return String(answer.headers.location ?? '');
}

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

const digestOf = (content: Uint8Array): string =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`;
