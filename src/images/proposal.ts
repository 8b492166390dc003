// Holds what the registry has now against what was pinned: which tags moved, and what that makes to propose. Pure.
import { hashOf } from '../api/canonical.ts';
import type { OperatorError } from '../kernel/errors.ts';
import type { Answer, FoundImage } from './lookup.ts';
import type { Pin, Proposal } from './pins.ts';
import { identityOf, type WantedImage } from './resolve.ts';

/** What an image's rule yields does not stand for what was pinned any more; `now` is undefined when it is gone. */
export interface Moved {
  readonly image: WantedImage;
  readonly was: FoundImage;
  readonly now: FoundImage | undefined;
}

export interface News {
  readonly moved: readonly Moved[];
  readonly proposal: Proposal | undefined;
  /** Of the images that could not be looked up, if any: the first. */
  readonly error: OperatorError | undefined;
}

const idLength = 8;

/** `found` is by identity. A proposal that says the same as the former one is that. */
export function compare(
  found: ReadonlyMap<string, FoundImage>,
  answers: readonly Answer[],
  former: Proposal | undefined,
  now: Date,
): News {
  const moved = answers.flatMap((answer) => movedBy(answer, found.get(identityOf(answer.image))) ?? []);
  const images = moved.flatMap(({ image, now: next }) => (next === undefined ? [] : [pinOf(image, next)]));
  const errors = answers.flatMap((answer) =>
    'error' in answer && answer.error.reason !== 'ImageNotFound' ? [answer.error] : [],
  );
  return { moved, proposal: propose(images, former, now), error: errors[0] };
}

export const pinOf = (image: WantedImage, found: FoundImage): Pin => ({
  of: identityOf(image),
  name: image.name,
  ...found,
});

function movedBy(answer: Answer, was: FoundImage | undefined): Moved | undefined {
  const { image } = answer;
  if (was === undefined) return undefined;
  if ('error' in answer)
    return answer.error.reason === 'ImageNotFound' ? { image, was, now: undefined } : undefined;
  const { found } = answer;
  return found.digest === was.digest && found.tag === was.tag ? undefined : { image, was, now: found };
}

function propose(images: readonly Pin[], former: Proposal | undefined, now: Date): Proposal | undefined {
  if (images.length === 0) return undefined;
  const said = images.map(({ of, tag, digest }) => [of, tag, digest]);
  const id = hashOf(said).slice(0, idLength);
  return former?.id === id ? former : { id, foundAt: now.toISOString(), images };
}
