// Reads the manifests of an image, those of all its platforms.
import { terminal } from '../../kernel/errors.ts';
import type { Registry } from '../registry/port.ts';
import { contentsOf } from './contents.ts';
import { every, type Lanes } from './lanes.ts';
import { blobsIn, type ManifestTree } from './plan.ts';
import type { Take } from './shelf.ts';

/** Of one image. All of them are in memory until it is copied, and a list of lists could name any number. */
const mostManifests = 100;
const mostTreeBytes = 16 * 1024 * 1024;
/** Signatures have kilobytes; what somebody else pushed beside an image shall not cost more than the image. */
const largestAttached = 16 * 1024 * 1024;

interface Place {
  readonly path: string;
  readonly digest: string;
}

/** Throws what the registry and `take` throw, and terminal ManifestUnsupported, ManifestInvalid and ManifestTooLarge. */
export async function readTree(
  registry: Registry,
  { path, digest }: Place,
  lanes: Lanes,
  take: Take,
): Promise<ManifestTree> {
  const { signal } = lanes;
  let read = 0;
  let bytes = 0;
  const count = (more: number): void => {
    bytes += more;
    take(more);
    if (bytes > mostTreeBytes)
      throw tooLarge(path, digest, `has manifests of more than ${mostTreeBytes} bytes`);
  };
  const readOne = async (one: string): Promise<ManifestTree> => {
    read += 1;
    if (read > mostManifests) {
      throw tooLarge(path, digest, `consists of more than ${mostManifests} manifests`);
    }
    const manifest = await lanes.ask(() => {
      // Many wait for a lane: what they would bring may be too much by now.
      count(0);
      return registry.manifest(path, one, signal);
    });
    count(manifest.size);
    const { manifests, blobs } = contentsOf(manifest, `${path}@${one}`);
    return { manifest, blobs, children: await every(signal, manifests, (child) => readOne(child.digest)) };
  };
  return readOne(digest);
}

/** What is copied beside an image, and is small. Throws as readTree. */
export async function readAttached(
  registry: Registry,
  place: Place,
  lanes: Lanes,
  take: Take,
): Promise<ManifestTree> {
  const tree = await readTree(registry, place, lanes, take);
  const large = blobsIn(tree).find(({ size }) => size > largestAttached);
  if (large === undefined) return tree;
  throw terminal(
    'ManifestTooLarge',
    `${place.path}@${place.digest}, which goes with an image as its signature, has a blob of ${large.size} bytes, and ${largestAttached} is the most: remove from the source what is not a signature`,
  );
}

const tooLarge = (path: string, digest: string, what: string) =>
  terminal('ManifestTooLarge', `${path}@${digest} ${what}: name one of its platforms by its own tag`);
