// A set's conditions: whether its images can be used, what stands in the way, and what the registry has by now. Pure.
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import { annotations } from '../api/names.ts';
import { summarise, type ConditionInput, type Health } from '../kernel/conditions.ts';
import type { OperatorError } from '../kernel/errors.ts';
import { hostOf, targetSide } from './access.ts';
import type { ImageState, Picture } from './picture.ts';
import { bytesText, secondsText } from './words.ts';

export function conditionsOf(set: ContainerImageSet, picture: Picture): readonly ConditionInput[] {
  return [
    ...summarise(healthOf(set, picture)),
    resolvedCondition(picture),
    ...mirroredCondition(set, picture),
    ...verifiedCondition(set, picture),
    ...tagMoved(set, picture),
    ...updateAvailable(set, picture),
    ...oddities(picture),
  ];
}

function healthOf(set: ContainerImageSet, picture: Picture): Health {
  const { name } = set.metadata;
  const worst = worstOf(picture.images);
  if (worst !== undefined) {
    const others = failedOf(picture.images).length - 1;
    const more = others === 0 ? '' : ` (${others} more failed: see status.unresolved)`;
    return {
      kind: worst.kind === 'transient' ? 'progressing' : 'stalled',
      reason: worst.reason,
      message: `image set ${name}: ${worst.message}${more}`,
    };
  }
  if (!picture.complete) {
    return { kind: 'progressing', reason: 'Mirroring', message: `image set ${name}: ${howFar(picture)}` };
  }
  if (picture.images.length === 0)
    return {
      kind: 'ready',
      message: `no cloud needs an image of set ${name} yet: name it in an Overcloud's spec.imageSetName, or list images in spec.images`,
    };
  const what = picture.transfer === undefined ? 'resolved in' : 'mirrored to';
  const host = hostOf(set.spec, targetSide(set.spec));
  return { kind: 'ready', message: `${count(picture.images.length)} ${what} ${host}` };
}

/** What a person must mend comes first, and before single images what stands in the way of all. */
function worstOf(images: readonly ImageState[]): OperatorError | undefined {
  const errors = failedOf(images);
  return (
    errors.find(({ kind, reason }) => kind !== 'transient' && reason !== 'ImageNotFound') ??
    errors.find(({ kind }) => kind !== 'transient') ??
    errors[0]
  );
}

const failedOf = (images: readonly ImageState[]): readonly OperatorError[] =>
  images.flatMap(({ problem }) => problem?.error ?? []);

function resolvedCondition({ images, needed }: Picture): ConditionInput {
  const found = images.filter((image) => image.found !== undefined);
  if (found.length === needed) {
    return { type: 'Resolved', status: 'True', reason: 'Resolved', message: `${count(needed)} resolved` };
  }
  const worst = worstOf(images.filter((image) => image.found === undefined));
  return {
    type: 'Resolved',
    status: 'False',
    reason: worst?.reason ?? 'Searching',
    message: `${found.length} of ${count(needed)} resolved`,
  };
}

function mirroredCondition(set: ContainerImageSet, picture: Picture): readonly ConditionInput[] {
  const { transfer, needed, images } = picture;
  if (transfer === undefined || needed === 0) return [];
  const there = transfer.mirrored.size;
  const host = hostOf(set.spec, 'destination');
  if (there === needed) {
    const message = `${host} has ${needed === 1 ? 'the image' : `all ${needed} images`}${lastCopy(picture)}${unasked(picture)}`;
    return [{ type: 'Mirrored', status: 'True', reason: 'Mirrored', message }];
  }
  const worst = worstOf(images.filter(({ found }) => found !== undefined));
  return [
    {
      type: 'Mirrored',
      status: 'False',
      reason: transfer.running ? 'Mirroring' : (worst?.reason ?? 'Waiting'),
      message: howFar(picture),
    },
  ];
}

/** What is not asked does not count as lost; but people hear of it. */
const unasked = ({ transfer }: Picture): string =>
  transfer?.unasked === undefined
    ? ''
    : `; whether it still has them could not be asked: ${transfer.unasked.message}`;

function howFar({ transfer, needed }: Picture): string {
  const { progress } = transfer ?? {};
  const images = `${transfer?.mirrored.size ?? 0} of ${count(needed)} at the destination`;
  if (progress === undefined || transfer?.running !== true || progress.totalBytes === 0) return images;
  const { bytes, totalBytes, bytesPerSecond, secondsLeft } = progress;
  const rate = ` at ${bytesText(bytesPerSecond)}/s`;
  const left = secondsLeft === undefined ? '' : `, ${secondsText(secondsLeft)} left`;
  return `${images}; ${bytesText(bytes)} of ${bytesText(totalBytes)} sent${rate}${left}`;
}

function lastCopy({ transfer }: Picture): string {
  const { progress } = transfer ?? {};
  if (progress === undefined) return '';
  const { bytes, copied, mounted } = progress;
  return copied + mounted === 0
    ? ''
    : `; the last copy sent ${bytesText(bytes)} in ${copied} layers and mounted ${mounted}`;
}

/** The verdict is all that counts: an image that nobody could ask about is neither signed nor unsigned. */
function verifiedCondition(
  { spec, status }: ContainerImageSet,
  { images, verdict }: Picture,
): readonly ConditionInput[] {
  const key = spec.verify?.cosign.keyName;
  if (key === undefined || verdict === undefined) return [];
  const type = 'Verified';
  const errors = [...verdict.refused.values()];
  const refused = errors.find(({ reason }) => signatureReasons.has(reason));
  if (refused !== undefined)
    return [{ type, status: 'False', reason: refused.reason, message: refused.message }];
  const checked = images.filter(({ found }) => found !== undefined).length - errors.length;
  if (checked === images.length) {
    const message = `${count(images.length)} signed with the key in ConfigMap ${key}`;
    return [{ type, status: 'True', reason: 'Verified', message }];
  }
  // What was refused stays refused until somebody could look again: clouds may have it resolved.
  const former = status?.conditions?.find((condition) => condition.type === type);
  if (former?.status === 'False') return [former];
  const [why] = errors;
  const cause = why === undefined ? '' : `: ${why.message}`;
  const message = `${checked} of ${count(images.length)} verified${cause}`;
  return [{ type, status: 'Unknown', reason: why?.reason ?? 'Searching', message }];
}

/** Somebody looked, and it is not signed as it must be; all else is a matter of the way there. */
const signatureReasons: ReadonlySet<string> = new Set([
  'ImageUnsigned',
  'SignatureInvalid',
  'VerificationKeyInvalid',
]);

/** A tag that was given stands for something else: whoever pushed it may not have meant to. */
function tagMoved({ status }: ContainerImageSet, { moved }: Picture): readonly ConditionInput[] {
  if (moved === undefined) return status?.conditions?.filter(({ type }) => type === 'TagMoved') ?? [];
  const tags = moved.filter(({ was, now }) => now === undefined || now.tag === was.tag);
  const [first] = tags;
  if (first === undefined) return [];
  const { image, was, now } = first;
  const what =
    now === undefined ? `is gone (it was ${was.digest})` : `is ${now.digest} now (it was ${was.digest})`;
  const more = tags.length === 1 ? '' : `, and ${tags.length - 1} more have moved`;
  const message = `${image.source.repository}:${was.tag} ${what}${more}; clouds stay on what was resolved`;
  return [{ type: 'TagMoved', status: 'True', reason: 'TagMoved', message }];
}

function updateAvailable(set: ContainerImageSet, picture: Picture): readonly ConditionInput[] {
  const { proposal, images, lookupError } = picture;
  const type = 'UpdateAvailable';
  if (proposal === undefined) {
    if (lookupError === undefined) return [];
    const message = `tags could not be looked up again: ${lookupError.message}`;
    return [{ type, status: 'Unknown', reason: lookupError.reason, message }];
  }
  const [first] = proposal.images;
  const from = images.find(({ name }) => name === first?.name)?.found?.tag ?? '';
  const change = from === first?.tag ? `${first.tag} anew` : `${from} → ${first?.tag ?? ''}`;
  const others = proposal.images.length - 1;
  const more = others === 0 ? '' : ` and ${others} more`;
  const asked = set.metadata.annotations?.[annotations.accept];
  const stale =
    asked === undefined ? '' : `; ${annotations.accept}=${asked} names no proposal that stands now`;
  const message = `${first?.name ?? ''} ${change}${more}: to take it, kubectl annotate --overwrite -n ${set.metadata.namespace} cis ${set.metadata.name} ${annotations.accept}=${proposal.id}${stale}`;
  return [{ type, status: 'True', reason: 'Proposed', message }];
}

function oddities({ warnings }: Picture): readonly ConditionInput[] {
  const [first, ...rest] = warnings;
  if (first === undefined) return [];
  const more = rest.length === 0 ? '' : ` (and ${rest.length} more)`;
  return [{ type: 'Consistent', status: 'False', reason: 'SpecQuestionable', message: `${first}${more}` }];
}

const count = (images: number): string => (images === 1 ? '1 image' : `${images} images`);
