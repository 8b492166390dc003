// What a set's status says about what was found. Pure.
import type {
  ContainerImageSet,
  ContainerImageSetStatus,
  ContainerImageSetStatusResolved,
  ContainerImageSetStatusResolvedImagesItem,
} from '../api/containerimageset.gen.ts';
import { annotations } from '../api/names.ts';
import { mergeConditions, summarise, type ConditionInput, type Health } from '../kernel/conditions.ts';
import type { OperatorError } from '../kernel/errors.ts';
import { registryOf } from './resolve.ts';

export type ResolvedImage = ContainerImageSetStatusResolvedImagesItem;

export interface UnresolvedImage {
  readonly name: string;
  /** Empty where not even that could be told. */
  readonly reference: string;
  readonly error: OperatorError;
}

/** A tag that does not stand for what was resolved any more; `now` is undefined when it is gone. */
export interface MovedTag {
  readonly image: ResolvedImage;
  readonly now: string | undefined;
}

export interface Findings {
  /** How many images the set must have. */
  readonly needed: number;
  readonly found: readonly ResolvedImage[];
  readonly unresolved: readonly UnresolvedImage[];
  /** Undefined when nobody has looked since this process started: what was said before then still stands. */
  readonly moved: readonly MovedTag[] | undefined;
}

const mostUnresolved = 50;
const longestMessage = 1024;
const longestRetry = 256;

/** What the set asks for and nothing acts on: never silently ignored. */
function unsupported({ spec }: ContainerImageSet): readonly ConditionInput[] {
  if (Object.keys(spec.variants ?? {}).length === 0) return [];
  const message =
    'spec.variants has no effect in this release: choose the image by spec.overrides or by its name in the service';
  return [{ type: 'Supported', status: 'False', reason: 'NotInThisRelease', message }];
}

export function reportOf(set: ContainerImageSet, findings: Findings, now: Date): ContainerImageSetStatus {
  const { metadata, spec, status } = set;
  const { needed, found, unresolved } = findings;
  const complete = found.length === needed;
  const summary = `${found.length}/${needed}`;
  const resolved = complete ? resolvedOf(set, found) : status?.resolved;
  const conditions = [
    ...summarise(healthOf(set, findings)),
    resolvedCondition(findings),
    ...tagMoved(set, findings),
    ...unsupported(set),
  ];
  return {
    observedGeneration: metadata.generation,
    conditions: mergeConditions(status?.conditions, conditions, metadata.generation, now),
    ...(spec.tag === undefined ? {} : { tag: spec.tag }),
    images: summary,
    ...(spec.destination === undefined ? {} : { pushed: summary }),
    ...(resolved === undefined ? {} : { resolved }),
    ...listUnresolved(unresolved),
  };
}

/** The value of the annotation that asks for another look at all tags, as far as the status has room for it. */
export const retryOf = ({ metadata }: ContainerImageSet): string | undefined =>
  metadata.annotations?.[annotations.retry]?.slice(0, longestRetry);

function resolvedOf(
  set: ContainerImageSet,
  images: readonly ResolvedImage[],
): ContainerImageSetStatusResolved {
  const retry = retryOf(set);
  return {
    generation: set.metadata.generation,
    tag: set.spec.tag ?? '',
    ...(retry === undefined ? {} : { retry }),
    images,
  };
}

/** All else stays as it was: a paused set is not looked at. */
export function pausedReport(set: ContainerImageSet, now: Date): ContainerImageSetStatus {
  const { metadata, status } = set;
  const message = `image set ${metadata.name} is paused: set spec.paused to false to go on`;
  const others = (status?.conditions ?? []).filter(
    ({ type }) => !['Ready', 'Reconciling', 'Stalled'].includes(type),
  );
  const conditions = [...summarise({ kind: 'paused', reason: 'Paused', message }), ...others];
  return {
    ...status,
    observedGeneration: metadata.generation,
    conditions: mergeConditions(status?.conditions, conditions, metadata.generation, now),
  };
}

function healthOf({ metadata: { name }, spec }: ContainerImageSet, { found, unresolved }: Findings): Health {
  const worst = worstOf(unresolved);
  if (worst !== undefined) {
    const others = unresolved.length - 1;
    const more = others === 0 ? '' : ` (${others} more unresolved: see status.unresolved)`;
    return {
      kind: worst.kind === 'transient' ? 'progressing' : 'stalled',
      reason: worst.reason,
      message: `image set ${name}: ${worst.message}${more}`,
    };
  }
  if (found.length === 0) {
    return { kind: 'ready', message: `no cloud needs an image of set ${name} yet` };
  }
  return { kind: 'ready', message: `${count(found.length)} resolved in ${registryOf(spec).registry}` };
}

/** What a person must mend comes first, and before single images what stands in the way of all. */
function worstOf(unresolved: readonly UnresolvedImage[]): OperatorError | undefined {
  const errors = unresolved.map(({ error }) => error);
  return (
    errors.find(({ kind, reason }) => kind !== 'transient' && reason !== 'ImageNotFound') ??
    errors.find(({ kind }) => kind !== 'transient') ??
    errors[0]
  );
}

function resolvedCondition({ needed, found, unresolved }: Findings): ConditionInput {
  const worst = worstOf(unresolved);
  return worst === undefined
    ? { type: 'Resolved', status: 'True', reason: 'Resolved', message: `${count(found.length)} resolved` }
    : {
        type: 'Resolved',
        status: 'False',
        reason: worst.reason,
        message: `${found.length} of ${count(needed)} resolved`,
      };
}

function tagMoved({ status }: ContainerImageSet, { moved }: Findings): readonly ConditionInput[] {
  if (moved === undefined) return status?.conditions?.filter(({ type }) => type === 'TagMoved') ?? [];
  const [first] = moved;
  if (first === undefined) return [];
  const { reference, digest } = first.image;
  const what =
    first.now === undefined ? `is gone (it was ${digest})` : `is ${first.now} now (it was ${digest})`;
  const more = moved.length === 1 ? '' : `, and ${moved.length - 1} more have moved`;
  return [
    {
      type: 'TagMoved',
      status: 'True',
      reason: 'TagMoved',
      message: `${reference} ${what}${more}; clouds stay on what was resolved: to take what is there now, give the annotation ${annotations.retry} a new value`,
    },
  ];
}

function listUnresolved(
  unresolved: readonly UnresolvedImage[],
): Pick<ContainerImageSetStatus, 'unresolved' | 'truncated'> {
  if (unresolved.length === 0) return {};
  const truncated = Math.max(unresolved.length - mostUnresolved, 0);
  return {
    unresolved: unresolved.slice(0, mostUnresolved).map(({ name, reference, error }) => ({
      name,
      reference,
      message: error.message.slice(0, longestMessage).toWellFormed(),
    })),
    ...(truncated === 0 ? {} : { truncated }),
  };
}

const count = (images: number): string => (images === 1 ? '1 image' : `${images} images`);
