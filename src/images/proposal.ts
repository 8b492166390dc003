// Holds what the registry has now against what was pinned: which tags moved, and what that makes to propose. Pure.
import { canonicalJson, hashOf } from '../api/canonical.ts';
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

export type News =
  | { readonly kind: 'known'; readonly moved: readonly Moved[]; readonly proposal: Proposal | undefined }
  /** Not all of it is known: half an update is none. */
  | { readonly kind: 'unknown'; readonly error: OperatorError };

const idLength = 16;

/** `found` is by identity. A proposal that says the same as the former one is that. */
export function compare(
  found: ReadonlyMap<string, FoundImage>,
  answers: readonly Answer[],
  former: Proposal | undefined,
  now: Date,
): News {
  const [error] = answers.flatMap((answer) => ('error' in answer && !isGone(answer) ? [answer.error] : []));
  if (error !== undefined) return { kind: 'unknown', error };
  const moved = answers.flatMap((answer) => movedBy(answer, found.get(identityOf(answer.image))) ?? []);
  return { kind: 'known', moved, proposal: propose(moved, former, now) };
}

export const pinOf = (image: WantedImage, found: FoundImage): Pin => ({
  of: identityOf(image),
  name: image.name,
  ...found,
});

/** The tag that was given is not there any more. Where a tag is looked for, finding none says nothing of the one that was found. */
const isGone = (answer: Answer): boolean =>
  'error' in answer && answer.error.reason === 'ImageNotFound' && answer.image.rule.kind === 'tag';

function movedBy(answer: Answer, was: FoundImage | undefined): Moved | undefined {
  const { image } = answer;
  if (was === undefined) return undefined;
  if ('error' in answer) return { image, was, now: undefined };
  const { found } = answer;
  return found.digest === was.digest && found.tag === was.tag ? undefined : { image, was, now: found };
}

/**
 * Its id stands for this change, at this time: the same change, found again after it was undone, is another proposal, which
 * nobody has accepted.
 */
function propose(moved: readonly Moved[], former: Proposal | undefined, now: Date): Proposal | undefined {
  const images = moved.flatMap(({ image, now: next }) => (next === undefined ? [] : [pinOf(image, next)]));
  if (images.length === 0) return undefined;
  if (former !== undefined && saidBy(former.images) === saidBy(images)) return former;
  const foundAt = now.toISOString();
  const from = moved.map(({ was }) => [was.tag, was.digest]);
  return { id: hashOf([saidBy(images), from, foundAt]).slice(0, idLength), foundAt, images };
}

const saidBy = (images: readonly Pin[]): string =>
  canonicalJson(images.map(({ of, tag, digest }) => [of, tag, digest]));
