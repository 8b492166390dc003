// Which repository of the destination has a blob already, by the manifests of images that are there as a whole.
import { asOperatorError } from '../../kernel/errors.ts';
import { createLimiter } from '../../kernel/limiter.ts';
import type { Registry } from '../registry/port.ts';
import type { MirrorImage } from './image.ts';
import { every, type Lanes } from './lanes.ts';
import { blobsIn } from './plan.ts';
import { readTree } from './read.ts';

/** Images whose manifests are in memory at once: all that is kept of them is where the wanted blobs are. */
const treesAtOnce = 4;

/**
 * Reads the manifests of `complete` from the destination when the first blob is asked for, and not before: a copy that has
 * nothing to send needs none of them. Yields the repository that has the blob of that digest, one of `wanted`.
 */
export function createHomes(
  complete: readonly MirrorImage[],
  wanted: ReadonlySet<string>,
  to: Registry,
  lanes: Lanes,
): (digest: string) => Promise<string | undefined> {
  const trees = createLimiter(treesAtOnce);
  const homesIn = async (path: string, digest: string): Promise<readonly (readonly [string, string])[]> => {
    const tree = await readTree(to, { path, digest }, lanes, () => undefined);
    const blobs = blobsIn(tree).filter((blob) => wanted.has(blob.digest));
    return blobs.map((blob) => [blob.digest, path]);
  };
  const read = async (): Promise<ReadonlyMap<string, string>> => {
    const found = await every(lanes.signal, complete, async ({ source, destination: { path } }) => {
      try {
        return await trees.run(lanes.signal, () => homesIn(path, source.digest));
      } catch (thrown) {
        lanes.signal.throwIfAborted();
        // Removed a moment ago, or damaged: it is no home then. What is worse is met by whoever asks next.
        if (asOperatorError(thrown).kind === 'transient') throw thrown;
        return [];
      }
    });
    return new Map(found.flat());
  };
  let homes: Promise<ReadonlyMap<string, string>> | undefined;
  return async (digest) => {
    homes ??= read();
    return (await homes).get(digest);
  };
}
