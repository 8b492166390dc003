// Copies images from one registry to another, byte for byte: each distinct blob is sent once, whatever number of them has it.
import type { Clock } from '../../kernel/clock.ts';
import { bytesPulled } from '../manifest.ts';
import type { Registry } from '../registry/port.ts';
import { createBlobMover, type BlobFailures } from './blobs.ts';
import { createHomes } from './homes.ts';
import { createLanes, every } from './lanes.ts';
import type { MirrorImage, MirrorOutcome } from './image.ts';
import { planOf, type ImagePlan } from './plan.ts';
import { createProgressMeter, type MirrorProgress, type MirrorTally } from './progress.ts';
import { orFailed, survey, type Survey } from './survey.ts';

export type { MirrorImage, MirrorOutcome } from './image.ts';

export interface CopyOptions {
  /** Blobs on their way at once. */
  readonly parallel: number;
  /** Called once a second while the copy goes on, and at its end. */
  readonly onProgress?: (progress: MirrorProgress) => void;
  /** Called for each image as soon as its outcome is known. */
  readonly onImage?: (outcome: MirrorOutcome) => void;
  readonly signal: AbortSignal;
}

export interface Mirror {
  /**
   * One outcome for each image, in their order. An image that the destination has costs one request there, and none at the
   * source. One that fails leaves the others going, unless a registry is away, throttles or is full: then those that are not
   * done fail with that reason. Blobs that came through are found by the next copy. Throws only the signal's reason, when
   * all that was on its way has ended.
   */
  copy(
    images: readonly MirrorImage[],
    from: Registry,
    to: Registry,
    options: CopyOptions,
  ): Promise<readonly MirrorOutcome[]>;
}

const progressMs = 1000;

export function createMirror({ clock }: { readonly clock: Clock }): Mirror {
  return {
    async copy(images, from, to, { parallel, onProgress, onImage, signal }) {
      const tally: MirrorTally = {
        images: 0,
        totalImages: images.length,
        bytes: 0,
        totalBytes: 0,
        copied: 0,
        mounted: 0,
        skipped: 0,
      };
      const outcomes = new Map<MirrorImage, MirrorOutcome>();
      const done = (outcome: MirrorOutcome): void => {
        outcomes.set(outcome.image, outcome);
        if ('digest' in outcome) tally.images += 1;
        onImage?.(outcome);
      };
      const stop = onProgress === undefined ? () => undefined : reportProgress(clock, tally, onProgress);
      try {
        await copyAll(images, { from, to, lanes: createLanes(clock, parallel, signal), tally, done });
      } finally {
        stop();
      }
      return images.flatMap((image) => outcomes.get(image) ?? []);
    },
  };
}

interface Copy extends Survey {
  readonly tally: MirrorTally;
}

async function copyAll(images: readonly MirrorImage[], copy: Copy): Promise<void> {
  const { from, to, lanes, tally, done } = copy;
  const { signal } = lanes;
  const { reads, complete } = await survey(images, copy);
  const plan = planOf(reads);
  tally.totalBytes = plan.blobs.reduce((sum, { size }) => sum + size, 0);
  const homes = createHomes(complete, new Set(plan.blobs.map(({ digest }) => digest)), to, lanes);
  const mover = createBlobMover({
    from,
    to,
    lanes,
    tally,
    // Within one registry everything is mounted.
    homeOf: async ({ digest, places }) => (from === to ? places[0]?.source : homes(digest)),
  });
  const placed = new Map(plan.blobs.map((blob) => [blob, mover.place(blob)]));
  await every(signal, plan.images, async (image) => {
    const failures = await every(signal, image.blobs, async (blob) => placed.get(blob));
    await orFailed(image.image, copy, async () => {
      await putImage(image, failures, copy);
      done(doneOf(image));
    });
  });
}

async function putImage(
  { image, manifests }: ImagePlan,
  failures: readonly (BlobFailures | undefined)[],
  { to, lanes }: Copy,
): Promise<void> {
  const { path } = image.destination;
  const [failed] = failures.flatMap((ofBlob) => ofBlob?.get(path) ?? []);
  if (failed !== undefined) throw failed;
  for (const { reference, manifest } of manifests) {
    await lanes.ask(() => to.putManifest(path, reference, manifest, lanes.signal));
  }
}

function doneOf({ image, manifests }: ImagePlan): MirrorOutcome {
  const top = manifests.find(({ manifest }) => manifest.digest === image.source.digest);
  const size = top === undefined ? undefined : bytesPulled(top.manifest);
  return { image, digest: image.source.digest, ...(size === undefined ? {} : { size }) };
}

/** Yields what ends it. */
function reportProgress(
  clock: Clock,
  tally: MirrorTally,
  onProgress: (progress: MirrorProgress) => void,
): () => void {
  const meter = createProgressMeter();
  const report = (): void => onProgress(meter.at(clock.monotonic(), { ...tally }));
  const tick = (): void => {
    report();
    timer = clock.schedule(progressMs, tick);
  };
  meter.at(clock.monotonic(), { ...tally });
  let timer = clock.schedule(progressMs, tick);
  return () => {
    timer.cancel();
    report();
  };
}
