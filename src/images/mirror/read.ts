// Reads the manifests of an image, those of all its platforms.
import { terminal } from '../../kernel/errors.ts';
import type { Registry } from '../registry/port.ts';
import { contentsOf } from './contents.ts';
import { every, type Lanes } from './lanes.ts';
import type { ManifestTree } from './plan.ts';

/** Of one image. All of them are in memory until it is copied, and a list of lists could name any number. */
const mostManifests = 100;

/** Throws what the registry throws, and terminal ManifestUnsupported, ManifestInvalid and ManifestTooLarge. */
export async function readTree(
  registry: Registry,
  path: string,
  digest: string,
  lanes: Lanes,
): Promise<ManifestTree> {
  const { signal } = lanes;
  let read = 0;
  const readOne = async (one: string): Promise<ManifestTree> => {
    read += 1;
    if (read > mostManifests) {
      throw terminal(
        'ManifestTooLarge',
        `${path}@${digest} consists of more than ${mostManifests} manifests: name one of its platforms by its own tag`,
      );
    }
    const manifest = await lanes.ask(() => registry.manifest(path, one, signal));
    const { manifests, blobs } = contentsOf(manifest, `${path}@${one}`);
    return { manifest, blobs, children: await every(signal, manifests, (child) => readOne(child.digest)) };
  };
  return readOne(digest);
}
