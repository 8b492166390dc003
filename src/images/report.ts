// What a set's status says about what was found. Pure.
import type {
  ContainerImageSet,
  ContainerImageSetStatus,
  ContainerImageSetStatusProgress,
  ContainerImageSetStatusResolved,
  ContainerImageSetStatusResolvedImagesItem,
} from '../api/containerimageset.gen.ts';
import { digestRules, isResolved } from '../api/image-set.ts';
import { tagRange } from '../api/tag-order.ts';
import { mergeConditions, summarise, type ConditionInput, type Health } from '../kernel/conditions.ts';
import type { OperatorError } from '../kernel/errors.ts';
import { conditionsOf } from './conditions.ts';
import { listsOf } from './lists.ts';
import { retryOf } from './memory.ts';
import type { ImageState, Picture } from './picture.ts';
import type { TransferView } from './transfer.ts';

export function reportOf(set: ContainerImageSet, picture: Picture, now: Date): ContainerImageSetStatus {
  const { metadata, spec, status } = set;
  const { needed, images, transfer } = picture;
  const found = images.filter((image) => image.found !== undefined).length;
  const usable = images.filter(({ problem }) => problem === undefined);
  const resolved = picture.complete ? resolvedOf(set, usable) : carriedOver(set);
  const tag = tagRange(picture.complete ? usable.map((image) => image.found?.tag ?? '') : []) || spec.tag;
  return {
    observedGeneration: metadata.generation,
    conditions: mergeConditions(status?.conditions, conditionsOf(set, picture), metadata.generation, now),
    ...(tag === undefined ? tagBefore(status) : { tag }),
    images: `${found}/${needed}`,
    ...(transfer === undefined ? {} : { pushed: `${transfer.mirrored.size}/${needed}` }),
    ...(resolved === undefined ? {} : { resolved }),
    ...progressOf(transfer),
    ...listsOf(images, picture.proposal),
  };
}

/** The spec cannot be worked with at all: all else stays as it was. */
export function unusableReport(
  set: ContainerImageSet,
  error: OperatorError,
  now: Date,
): ContainerImageSetStatus {
  const message = `image set ${set.metadata.name}: ${error.message}`;
  return leftAlone(set, { kind: 'stalled', reason: error.reason, message }, now);
}

/** It is being deleted, and stays while clouds use it. */
export function leavingReport(
  set: ContainerImageSet,
  users: readonly string[],
  now: Date,
): ContainerImageSetStatus {
  const { name } = set.metadata;
  const waits =
    users.length === 0
      ? 'somebody else keeps it by a finalizer'
      : `overcloud ${users.join(', ')} uses it: name another set in spec.imageSetName, or delete that first`;
  const message = `image set ${name} is being deleted and waits: ${waits}`;
  return leftAlone(set, { kind: 'progressing', reason: 'InUse', message }, now);
}

/** All else stays as it was: a paused set is not looked at. */
export function pausedReport(set: ContainerImageSet, now: Date): ContainerImageSetStatus {
  const message = `image set ${set.metadata.name} is paused: set spec.paused to false to go on`;
  return leftAlone(set, { kind: 'paused', reason: 'Paused', message }, now);
}

function leftAlone(set: ContainerImageSet, health: Health, now: Date): ContainerImageSetStatus {
  const { metadata, status } = set;
  const others = (status?.conditions ?? []).filter(
    ({ type }) => !['Ready', 'Reconciling', 'Stalled'].includes(type),
  );
  const conditions = [...summarise(health), ...others.map((condition) => stopped(condition, health, status))];
  const resolved = carriedOver(set);
  const { bytesPerSecond: _rate, secondsLeft: _left, ...progress } = status?.progress ?? noProgress;
  return {
    ...status,
    observedGeneration: metadata.generation,
    conditions: mergeConditions(status?.conditions, conditions, metadata.generation, now),
    ...(resolved === undefined ? {} : { resolved }),
    ...(status?.progress === undefined ? {} : { progress }),
  };
}

const noProgress: ContainerImageSetStatusProgress = { images: '', bytes: 0, totalBytes: 0 };

/** The copy that went on then has ended with the pause or the deletion: it goes at no rate. */
function stopped(
  condition: ConditionInput,
  health: Health,
  status: ContainerImageSetStatus | undefined,
): ConditionInput {
  if (condition.reason !== 'Mirroring' || health.kind === 'stalled' || health.kind === 'ready')
    return condition;
  return { ...condition, reason: health.reason, message: `${status?.pushed ?? 'none'} at the destination` };
}

const tagBefore = (status: ContainerImageSetStatus | undefined): { readonly tag?: string } =>
  status?.tag === undefined ? {} : { tag: status.tag };

/** The spec may have changed in what decides no digest: then what is resolved is resolved still. */
function carriedOver(set: ContainerImageSet): ContainerImageSetStatusResolved | undefined {
  const resolved = set.status?.resolved;
  if (resolved === undefined || !isResolved(set)) return resolved;
  return { ...resolved, generation: set.metadata.generation, of: digestRules(set.spec) };
}

function resolvedOf(set: ContainerImageSet, images: readonly ImageState[]): ContainerImageSetStatusResolved {
  const retry = retryOf(set);
  const items = images.flatMap((image) => itemOf(set, image));
  return {
    generation: set.metadata.generation,
    of: digestRules(set.spec),
    // What most images have: an override, as Ceph's, does not name the set.
    tag: set.spec.tag ?? tagRange(items.map(({ tag }) => tag)),
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
