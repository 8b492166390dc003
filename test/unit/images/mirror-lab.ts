// Two registries in memory, and a set of images that share layers, for the tests of copying.
import { createMirror, type CopyOptions, type MirrorOutcome } from '../../../src/images/mirror/copy.ts';
import type { MirrorImage } from '../../../src/images/mirror/image.ts';
import { createManualClock, type ManualClock } from '../../fakes/clock.ts';
import { createMemoryRegistry, type MemoryRegistry } from '../../fakes/memory-registry.ts';

export interface MirrorLab {
  readonly clock: ManualClock;
  readonly source: MemoryRegistry;
  readonly target: MemoryRegistry;
  /** Pushes an image to `rhosp12/<name>` of the source, and yields what copies it to `mirror/<name>`. */
  image(name: string, layers: readonly string[], tag?: string): MirrorImage;
  copy(images: readonly MirrorImage[], options?: Partial<CopyOptions>): Promise<readonly MirrorOutcome[]>;
  /** Names of the images that are whole at the destination, under their tags. */
  whole(images: readonly MirrorImage[]): readonly string[];
}

export function mirrorLab(): MirrorLab {
  const clock = createManualClock();
  const source = createMemoryRegistry();
  const target = createMemoryRegistry();
  // Waiting takes no time.
  const mirror = createMirror({ clock: { ...clock, sleep: () => Promise.resolve() } });
  return {
    clock,
    source,
    target,
    image: (name, layers, tag = '1') => ({
      name,
      source: { path: `rhosp12/${name}`, digest: source.push(`rhosp12/${name}`, tag, { layers }) },
      destination: { path: `mirror/${name}`, tag },
    }),
    copy: (images, options = {}) =>
      mirror.copy(images, source.registry, target.registry, {
        parallel: 4,
        signal: new AbortController().signal,
        ...options,
      }),
    whole: (images) =>
      images
        .filter(({ source: { digest }, destination: { path, tag } }) => {
          const there = target.digestAt(path, tag);
          return there === digest && target.lacks(path, digest).length === 0;
        })
        .map(({ name }) => name),
  };
}

/** How each image ended, by name: `copied`, or the error's reason. */
export const endings = (outcomes: readonly MirrorOutcome[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    outcomes.map((outcome) => [outcome.image.name, 'error' in outcome ? outcome.error.reason : 'copied']),
  );
