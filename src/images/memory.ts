// What is recalled of a set when its process, its spec or its retry annotation is new, and what is kept for that. Pure.
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import { annotations } from '../api/names.ts';
import type { FoundImage } from './lookup.ts';
import type { Pins } from './pins.ts';
import { pinOf } from './proposal.ts';
import { identityOf, type WantedImage } from './resolve.ts';
import type { Memory } from './search.ts';

const longestRetry = 256;

/** The value of the annotation that asks to forget all pins, as far as the status has room for it. */
export const retryOf = ({ metadata }: ContainerImageSet): string | undefined =>
  metadata.annotations?.[annotations.retry]?.slice(0, longestRetry);

/** Digests are kept while the image's place and rule are the same, unless a person asked for another look. */
export function recalled(
  set: ContainerImageSet,
  images: readonly WantedImage[],
  pins: Pins | undefined,
  of: string,
): Memory {
  const found = pins === undefined ? fromStatus(set, images) : fromPins(set, images, pins);
  const wanted = new Set(images.map(identityOf));
  const { proposal } = pins ?? {};
  const stands =
    proposal !== undefined && found.size > 0 && proposal.images.every((pin) => wanted.has(pin.of));
  return {
    of,
    found,
    failed: new Map(),
    moved: found.size === 0 ? [] : undefined,
    proposal: stands ? proposal : undefined,
    lookupError: undefined,
    question: '',
    requested: set.metadata.annotations?.[annotations.reconcileRequestedAt],
    tryAgainAt: 0,
    checkAt: 0,
    kept: pins,
  };
}

/** Only what is wanted now is kept: an image that comes back later is a new one. */
export function pinsOf(memory: Memory, images: readonly WantedImage[], set: ContainerImageSet): Pins {
  const retry = retryOf(set);
  return {
    images: images.flatMap((image) => {
      const found = memory.found.get(identityOf(image));
      return found === undefined ? [] : [pinOf(image, found)];
    }),
    ...(retry === undefined ? {} : { retry }),
    ...(memory.proposal === undefined ? {} : { proposal: memory.proposal }),
  };
}

function fromPins(
  set: ContainerImageSet,
  images: readonly WantedImage[],
  pins: Pins,
): Map<string, FoundImage> {
  if (pins.retry !== retryOf(set)) return new Map();
  const wanted = new Set(images.map(identityOf));
  return new Map(
    pins.images.flatMap(({ of, name: _name, ...found }) => (wanted.has(of) ? [[of, found] as const] : [])),
  );
}

/** Releases that kept no pins had explicit tags only, and looked them up where hosts pull from. */
function fromStatus(set: ContainerImageSet, images: readonly WantedImage[]): Map<string, FoundImage> {
  const { resolved } = set.status ?? {};
  if (resolved === undefined || resolved.retry !== retryOf(set)) return new Map();
  const byReference = new Map(resolved.images.map((image) => [image.reference, image]));
  return new Map(
    images.flatMap((image) => {
      const known =
        image.rule.kind === 'tag'
          ? byReference.get(`${image.target.repository}:${image.rule.tag}`)
          : undefined;
      return known === undefined
        ? []
        : [[identityOf(image), { tag: known.tag, digest: known.digest }] as const];
    }),
  );
}
