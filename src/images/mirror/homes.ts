// Which repository of the destination has a blob already, by the manifests of images that are there as a whole.
import { asOperatorError } from '../../kernel/errors.ts';
import type { Registry } from '../registry/port.ts';
import type { MirrorImage } from './image.ts';
import { every, type Lanes } from './lanes.ts';
import { blobsIn } from './plan.ts';
import { readTree } from './read.ts';

/**
 * Reads the manifests of `complete` from the destination when the first blob is asked for, and not before: a copy that has
 * nothing to send needs none of them. Yields the repository that has the blob of that digest.
 */
export function createHomes(
  complete: readonly MirrorImage[],
  to: Registry,
  lanes: Lanes,
): (digest: string) => Promise<string | undefined> {
  const read = async (): Promise<ReadonlyMap<string, string>> => {
    const trees = await every(lanes.signal, complete, async ({ source, destination }) => {
      try {
        return [[destination.path, await readTree(to, destination.path, source.digest, lanes)] as const];
      } catch (thrown) {
        lanes.signal.throwIfAborted();
        // Removed a moment ago, or damaged: it is no home then. What is worse is met by whoever asks next.
        if (asOperatorError(thrown).kind === 'transient') throw thrown;
        return [];
      }
    });
    return new Map(
      trees.flat().flatMap(([path, tree]) => blobsIn(tree).map(({ digest }) => [digest, path] as const)),
    );
  };
  let homes: Promise<ReadonlyMap<string, string>> | undefined;
  return async (digest) => {
    homes ??= read();
    return (await homes).get(digest);
  };
}
