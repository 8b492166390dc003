// What the source has: the seed's 45 images in two tags each, which share layers as images of one distribution do.
import { layer, push, type Blob, type Pushed } from './push.ts';
import { seedImages, tagOf, type SeedImage } from './seed.ts';

export interface Content {
  /** By repository. */
  readonly pushed: ReadonlyMap<string, Pushed>;
  /** A new release of one image: its own layer is another, those below stay. */
  release(repository: string, release: string): Promise<Pushed>;
}

const bytes = { system: 300_000, openstack: 150_000, project: 80_000, own: 100_000 };

/** Pushes all to the registry at `host`. */
export async function pushSeed(host: string): Promise<Content> {
  const common = [layer(bytes.system), layer(bytes.openstack)];
  const projects = new Map<string, Blob>();
  const layersBelow = (repository: string): readonly Blob[] => {
    const [project = ''] = (repository.split('/openstack-')[1] ?? '').split('-');
    const shared = projects.get(project) ?? layer(bytes.project);
    projects.set(project, shared);
    return [...common, shared];
  };
  const pushOne = async (image: SeedImage): Promise<Pushed> => {
    const labels = { version: image.version, release: image.release };
    const layers = [...layersBelow(image.repository), layer(bytes.own)];
    return push(host, image.repository, [tagOf(image), 'latest'], labels, layers);
  };
  const pushed = await Promise.all(
    seedImages.map(async (image) => [image.repository, await pushOne(image)] as const),
  );
  return {
    pushed: new Map(pushed),
    release(repository, release) {
      const image = seedImages.find((known) => known.repository === repository);
      if (image === undefined) throw new Error(`the seed has no ${repository}`);
      return pushOne({ ...image, release });
    },
  };
}

/** Digest and size of each distinct blob of these images. */
export const blobsOf = (images: Iterable<Pushed>): ReadonlyMap<string, number> =>
  new Map(
    [...images].flatMap(({ config, layers }) =>
      [config, ...layers].map((blob): [string, number] => [blob.digest, blob.bytes.length]),
    ),
  );

/** In bytes. */
export const sumOf = (blobs: ReadonlyMap<string, number>): number =>
  [...blobs.values()].reduce((sum, size) => sum + size, 0);
