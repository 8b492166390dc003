// What is known of a set between reconciles, how it is recalled when process, spec or request is new, and what is kept. Pure.
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import { annotations } from '../api/names.ts';
import type { OperatorError } from '../kernel/errors.ts';
import type { Pin, Pins, Proposal } from './pins.ts';
import { pinOf, type Moved } from './proposal.ts';
import { identityOf, type WantedImage } from './resolve.ts';

export interface Memory {
  /** The set, its generation, and what people ask by annotation: with another of these everything is recalled anew. */
  readonly of: string;
  /** By identity, as `failed`. Also of images that nobody needs now: a cloud that comes back finds its digests. */
  readonly found: Map<string, Pin>;
  readonly failed: Map<string, OperatorError>;
  moved: readonly Moved[] | undefined;
  proposal: Proposal | undefined;
  lookupError: OperatorError | undefined;
  /** What was asked last: another question is asked at once. */
  question: string;
  /** The request, by annotation, that the last lookup answered. */
  requested: string | undefined;
  /** The one that was tried last. */
  attempted: string | undefined;
  /** These on the monotonic clock: for what was not found, for what may have moved, for what cannot be used. */
  tryAgainAt: number;
  checkAt: number;
  reconsiderAt: number;
  /** Identities of images that cannot be used as they were found: unsigned, damaged, gone. */
  doubted: ReadonlySet<string>;
  /** What stands in the ConfigMap, as far as we know. */
  kept: Pins | undefined;
}

const longestRetry = 256;
/** With those that nobody needs now. */
const mostPins = 500;

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
  const found = pins === undefined ? fromStatus(set, images) : fromPins(set, pins);
  const { proposal } = pins ?? {};
  return {
    of,
    found,
    failed: new Map(),
    moved: images.some((image) => found.has(identityOf(image))) ? undefined : [],
    proposal: proposal?.images.every((pin) => found.has(pin.of)) === true ? proposal : undefined,
    lookupError: undefined,
    question: '',
    requested: pins?.requested,
    attempted: undefined,
    tryAgainAt: 0,
    checkAt: 0,
    reconsiderAt: 0,
    doubted: new Set(),
    kept: pins,
  };
}

/** What is wanted now, and before it what was wanted once, as far as there is room: nothing is forgotten because a cloud is away. */
export function pinsOf(memory: Memory, images: readonly WantedImage[], set: ContainerImageSet): Pins {
  const { found, requested, proposal } = memory;
  const retry = retryOf(set) ?? memory.kept?.retry;
  const wanted = images.flatMap((image) => found.get(identityOf(image)) ?? []);
  const others = [...found.values()].filter((pin) => !wanted.includes(pin));
  return {
    images: [...others.slice(-Math.max(mostPins - wanted.length, 0)), ...wanted],
    ...(retry === undefined ? {} : { retry }),
    ...(requested === undefined ? {} : { requested }),
    ...(proposal === undefined ? {} : { proposal }),
  };
}

/** A new value asks; taking the annotation away, as a tool that prunes may, does not. */
const asksAnew = (set: ContainerImageSet, answered: string | undefined): boolean => {
  const asked = retryOf(set);
  return asked !== undefined && asked !== answered;
};

function fromPins(set: ContainerImageSet, pins: Pins): Map<string, Pin> {
  if (asksAnew(set, pins.retry)) return new Map();
  return new Map(pins.images.map((pin) => [pin.of, pin]));
}

/** For a set of a release that kept no pins, and one whose pins somebody deleted. */
function fromStatus(set: ContainerImageSet, images: readonly WantedImage[]): Map<string, Pin> {
  const { resolved } = set.status ?? {};
  if (resolved === undefined || asksAnew(set, resolved.retry)) return new Map();
  const known = images.flatMap((image) => {
    const { rule, target, name } = image;
    const before = resolved.images.find((one) => one.name === name && one.repository === target.repository);
    const same = before !== undefined && (rule.kind !== 'tag' || rule.tag === before.tag);
    return same ? [pinOf(image, sizedAs(before))] : [];
  });
  return new Map(known.map((pin) => [pin.of, pin]));
}

const sizedAs = ({
  tag,
  digest,
  size,
}: {
  readonly tag: string;
  readonly digest: string;
  readonly size?: number;
}) => ({
  tag,
  digest,
  ...(size === undefined ? {} : { size }),
});
