// What a set's status says about what was found. Pure.
import type {
  ContainerImageSet,
  ContainerImageSetStatus,
  ContainerImageSetStatusResolved,
  ContainerImageSetStatusResolvedImagesItem,
} from '../api/containerimageset.gen.ts';
import { mergeConditions, summarise, type Health } from '../kernel/conditions.ts';
import type { OperatorError } from '../kernel/errors.ts';
import { conditionsOf } from './conditions.ts';
import { retryOf } from './memory.ts';
import type { Proposal } from './pins.ts';
import type { ImageState, Picture } from './picture.ts';
import { compareTags } from './tags.ts';
import type { TransferView } from './transfer.ts';

const mostListed = 50;
const mostImages = 200;
/** The whole of the first stands in Ready; a status has room for so much of each. */
const longestMessage = 300;

export function reportOf(set: ContainerImageSet, picture: Picture, now: Date): ContainerImageSetStatus {
  const { metadata, spec, status } = set;
  const { needed, images, transfer } = picture;
  const found = images.filter((image) => image.found !== undefined).length;
  const usable = images.filter(({ problem }) => problem === undefined);
  const resolved = picture.complete ? resolvedOf(set, usable) : status?.resolved;
  const tag = tagOf(picture.complete ? usable.map((image) => image.found?.tag ?? '') : []) || spec.tag;
  return {
    observedGeneration: metadata.generation,
    conditions: mergeConditions(status?.conditions, conditionsOf(set, picture), metadata.generation, now),
    ...(tag === undefined ? tagBefore(status) : { tag }),
    images: `${found}/${needed}`,
    ...(transfer === undefined ? {} : { pushed: `${transfer.mirrored.size}/${needed}` }),
    ...(resolved === undefined ? {} : { resolved }),
    ...proposedOf(picture.proposal, images),
    ...progressOf(transfer),
    ...listUnresolved(images),
  };
}

/** The spec cannot be worked with at all: all else stays as it was. */
export function unusableReport(
  set: ContainerImageSet,
  error: OperatorError,
  now: Date,
): ContainerImageSetStatus {
  const { metadata, status } = set;
  const message = `image set ${metadata.name}: ${error.message}`;
  return leftAlone(set, { kind: 'stalled', reason: error.reason, message }, now, status);
}

/** All else stays as it was: a paused set is not looked at. */
export function pausedReport(set: ContainerImageSet, now: Date): ContainerImageSetStatus {
  const { metadata, status } = set;
  const message = `image set ${metadata.name} is paused: set spec.paused to false to go on`;
  return leftAlone(set, { kind: 'paused', reason: 'Paused', message }, now, status);
}

function leftAlone(
  { metadata }: ContainerImageSet,
  health: Health,
  now: Date,
  status: ContainerImageSetStatus | undefined,
): ContainerImageSetStatus {
  const others = (status?.conditions ?? []).filter(
    ({ type }) => !['Ready', 'Reconciling', 'Stalled'].includes(type),
  );
  const conditions = [...summarise(health), ...others];
  return {
    ...status,
    observedGeneration: metadata.generation,
    conditions: mergeConditions(status?.conditions, conditions, metadata.generation, now),
  };
}

const tagBefore = (status: ContainerImageSetStatus | undefined): { readonly tag?: string } =>
  status?.tag === undefined ? {} : { tag: status.tag };

/** One tag, or the lowest and the highest. */
function tagOf(tags: readonly string[]): string {
  const sorted = [...new Set(tags)].sort(compareTags);
  const [lowest = '', highest = lowest] = [sorted[0], sorted.at(-1)];
  const both = `${lowest}…${highest}`;
  return lowest === highest || both.length > 128 ? highest : both;
}

function resolvedOf(set: ContainerImageSet, images: readonly ImageState[]): ContainerImageSetStatusResolved {
  const retry = retryOf(set);
  const items = images.flatMap((image) => itemOf(set, image)).slice(0, mostImages);
  return {
    generation: set.metadata.generation,
    // What most images have: an override, as Ceph's, does not name the set.
    tag: set.spec.tag ?? tagOf(items.map(({ tag }) => tag)),
    ...(retry === undefined ? {} : { retry }),
    images: items,
  };
}

function itemOf(
  { spec }: ContainerImageSet,
  { wanted, found, parameters }: ImageState,
): readonly ContainerImageSetStatusResolvedImagesItem[] {
  if (wanted === undefined || found === undefined) return [];
  const { source, target } = wanted;
  const mirrored = spec.destination !== undefined;
  return [
    {
      name: wanted.name,
      repository: target.repository,
      tag: found.tag,
      digest: found.digest,
      reference: `${target.repository}:${found.tag}`,
      ...(mirrored ? { source: `${source.repository}:${found.tag}` } : {}),
      ...(found.size === undefined ? {} : { size: found.size }),
      state: mirrored ? 'Mirrored' : 'Resolved',
      ...(parameters.length === 0 ? {} : { parameters }),
    },
  ];
}

function proposedOf(
  proposal: Proposal | undefined,
  images: readonly ImageState[],
): Pick<ContainerImageSetStatus, 'proposed'> {
  if (proposal === undefined) return {};
  const tags = new Map(images.map(({ name, found }) => [name, found?.tag ?? '']));
  const truncated = Math.max(proposal.images.length - mostListed, 0);
  return {
    proposed: {
      id: proposal.id,
      foundAt: proposal.foundAt,
      images: proposal.images
        .slice(0, mostListed)
        .map(({ name, tag, digest }) => ({ name, tag, digest, from: tags.get(name) ?? '' })),
      ...(truncated === 0 ? {} : { truncated }),
    },
  };
}

function progressOf(transfer: TransferView | undefined): Pick<ContainerImageSetStatus, 'progress'> {
  const { progress, running } = transfer ?? {};
  if (progress === undefined) return {};
  const { images, totalImages, bytes, totalBytes, copied, mounted, skipped, startedAt } = progress;
  const pace = {
    bytesPerSecond: progress.bytesPerSecond,
    ...(progress.secondsLeft === undefined ? {} : { secondsLeft: progress.secondsLeft }),
  };
  return {
    progress: {
      images: `${images}/${totalImages}`,
      bytes,
      totalBytes,
      copied,
      mounted,
      skipped,
      startedAt,
      // A check of what is there is no copy, and goes at no rate.
      ...(running === true && bytes < totalBytes ? pace : {}),
    },
  };
}

function listUnresolved(
  images: readonly ImageState[],
): Pick<ContainerImageSetStatus, 'unresolved' | 'truncated'> {
  const unresolved = images.filter(({ problem }) => problem !== undefined);
  if (unresolved.length === 0) return {};
  const truncated = Math.max(unresolved.length - mostListed, 0);
  return {
    unresolved: unresolved.slice(0, mostListed).map(({ name, reference, problem }) => ({
      name,
      reference,
      state: problem?.state ?? 'Searching',
      message: (problem?.message ?? '').slice(0, longestMessage).toWellFormed(),
    })),
    ...(truncated === 0 ? {} : { truncated }),
  };
}
