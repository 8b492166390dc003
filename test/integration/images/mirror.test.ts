// Copies between two registries that we did not write: Debian's docker-registry.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { createMirror, type MirrorOutcome } from '../../../src/images/mirror/copy.ts';
import type { MirrorImage } from '../../../src/images/mirror/image.ts';
import type { MirrorProgress } from '../../../src/images/mirror/progress.ts';
import { createRegistryConnector } from '../../../src/images/registry/connector.ts';
import type { Registry } from '../../../src/images/registry/port.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { CopyJob } from '../../bench/mirror-copy.ts';
import { pushImageSet, type ImageSet } from '../../bench/mirror-images.ts';
import { startDockerRegistry, type DockerRegistry } from './docker-registry.ts';

const never = new AbortController().signal;
const dockerType = 'application/vnd.docker.distribution.manifest.v2+json';
const ociType = 'application/vnd.oci.image.manifest.v1+json';
const ociIndexType = 'application/vnd.oci.image.index.v1+json';

describe('mirroring between docker-registries', function () {
  this.timeout(120_000);
  const connector = createRegistryConnector({ clock: systemClock, random: Math.random, allowLocal: true });
  let source: DockerRegistry;
  let target: DockerRegistry;
  let from: Registry;
  let to: Registry;

  beforeEach(async () => {
    [source, target] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
    from = connector.connect({ host: source.host, insecure: true });
    to = connector.connect({ host: target.host, insecure: true });
  });
  afterEach(() => Promise.all([source.stop(), target.stop()]));
  after(() => connector.close());

  const copy = async (images: readonly MirrorImage[]) => {
    let progress: MirrorProgress | undefined;
    const outcomes = await createMirror({ clock: systemClock }).copy(images, from, to, {
      parallel: 4,
      signal: never,
      onProgress: (now) => {
        progress = now;
      },
    });
    return { outcomes, progress };
  };
  const failures = (outcomes: readonly MirrorOutcome[]): readonly string[] =>
    outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error.message] : []));
  /** Asks a registry for an image, its manifests and all its blobs, as an engine that pulls it does. */
  const pulled = async (registry: Registry, repository: string, reference: string): Promise<string> => {
    const manifest = await registry.manifest(repository, reference, never);
    const {
      config,
      layers = [],
      manifests = [],
    } = JSON.parse(Buffer.from(manifest.content).toString()) as {
      readonly config?: { readonly digest: string; readonly size: number };
      readonly layers?: readonly { readonly digest: string; readonly size: number }[];
      readonly manifests?: readonly { readonly digest: string }[];
    };
    for (const blob of [...(config === undefined ? [] : [config]), ...layers]) {
      for await (const chunk of await registry.readBlob(repository, blob, 0, never))
        expect(chunk).not.to.equal(undefined);
    }
    for (const { digest } of manifests) await pulled(registry, repository, digest);
    return manifest.digest;
  };

  it('brings images of both kinds, and an index with its children', async () => {
    const docker = await source.push('rhosp12/openstack-nova-api', '12.0-1', dockerType);
    const oci = await source.push('rhosp12/openstack-heat-api', '12.0-1', ociType);
    const child = { ...(await source.push('rhosp12/ceph', 'amd64', ociType)), mediaType: ociType };
    const index = await source.pushIndex('rhosp12/ceph', '4', ociIndexType, child);
    const images = [
      imageAt('rhosp12/openstack-nova-api', docker.digest, '12.0-1'),
      imageAt('rhosp12/openstack-heat-api', oci.digest, '12.0-1'),
      imageAt('rhosp12/ceph', index.digest, '4'),
    ];
    expect(failures((await copy(images)).outcomes)).to.deep.equal([]);
    for (const {
      destination,
      source: { digest },
    } of images) {
      expect(await pulled(to, destination.path, destination.tag)).to.equal(digest);
    }
  });

  it('sends what images share once, nothing the second time, and one changed image alone', async () => {
    const set = await pushImageSet(source.host, 0.0005, 3);
    const cold = await copy(set.images);
    expect(failures(cold.outcomes)).to.deep.equal([]);
    expect(cold.progress).to.include({ images: 12, bytes: set.bytes, copied: set.blobs.length });
    const warm = await copy(set.images);
    expect(warm.progress).to.include({ images: 12, bytes: 0, copied: 0, mounted: 0, skipped: 0 });

    const { digest } = await source.push('rhosp13/openstack-service-0-0', '13.0-2', dockerType);
    const changed = await copy([...set.images, imageAt('rhosp13/openstack-service-0-0', digest, '13.0-2')]);
    expect(changed.progress).to.include({ images: 13, copied: 2, mounted: 0 });
  });

  it('says which image is not there; the others are', async () => {
    const set = await pushImageSet(source.host, 0.0001, 1);
    const gone = imageAt('rhosp13/openstack-service-0-0', `sha256:${'0'.repeat(64)}`, 'gone');
    const { outcomes } = await copy([gone, ...set.images.slice(1)]);
    expect(outcomes.map((outcome) => ('error' in outcome ? outcome.error.reason : 'there'))).to.deep.equal([
      'ImageNotFound',
      'there',
      'there',
      'there',
    ]);
    expect(await to.digest(gone.destination.path, 'gone', never)).to.equal(undefined);
  });

  it('sends no blob again that had come through when it was killed', async () => {
    const set = await pushImageSet(source.host, 0.1, 3);
    await killedMidway(set);
    const there = await blobsAt(to, set);
    expect(there).to.be.greaterThan(0).and.lessThan(set.blobs.length);
    const { outcomes, progress } = await copy(set.images);
    expect(failures(outcomes)).to.deep.equal([]);
    expect(progress?.copied).to.equal(set.blobs.length - there);
  });

  /** Runs a copy in a process of its own, and kills it as soon as the destination has one of the middling blobs. */
  async function killedMidway({ images, blobs }: ImageSet): Promise<void> {
    const directory = await mkdtemp(path.join(tmpdir(), 'undercloud-mirror-'));
    const file = path.join(directory, 'job.json');
    const job: CopyJob = { from: source.host, to: target.host, images, parallel: 2 };
    await writeFile(file, JSON.stringify(job));
    const program = path.resolve(import.meta.dirname, '../../bench/mirror-copy.ts');
    const child = spawn(process.execPath, [program, file], { stdio: ['ignore', 'ignore', 'inherit'] });
    const ended = once(child, 'exit');
    const middling = [...blobs].sort((a, b) => b.size - a.size)[6]?.digest ?? '';
    while (child.exitCode === null && !(await isAnywhere(to, images, middling))) await systemClock.sleep(5);
    child.kill('SIGKILL');
    await ended;
    await rm(directory, { recursive: true });
  }
});

const imageAt = (repository: string, digest: string, tag: string): MirrorImage => ({
  name: repository,
  source: { path: repository, digest },
  destination: { path: repository, tag },
});

/** How many distinct blobs of the set some repository of the registry has. */
async function blobsAt(registry: Registry, { images, blobs }: ImageSet): Promise<number> {
  let there = 0;
  for (const { digest } of blobs) if (await isAnywhere(registry, images, digest)) there += 1;
  return there;
}

async function isAnywhere(
  registry: Registry,
  images: readonly MirrorImage[],
  digest: string,
): Promise<boolean> {
  const asked = await Promise.all(
    images.map(({ destination }) => registry.hasBlob(destination.path, digest, never)),
  );
  return asked.includes(true);
}
