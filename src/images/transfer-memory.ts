// What is known of a set's destination, and what that makes to do: which images to copy now, and what people see. Pure.
import { canonicalJson } from '../api/canonical.ts';
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import { annotations } from '../api/names.ts';
import { requeueAfter, settled, type Outcome } from '../kernel/controller.ts';
import type { OperatorError } from '../kernel/errors.ts';
import { keyOf, type ObjectKey } from '../kube/objects.ts';
import type { TransferView } from './transfer.ts';
import type { Candidate } from './verifier.ts';

export interface Job {
  /** The registries it was begun with, as waysOf has them. */
  readonly ways: string;
  /** What it copies, as subjectOf has it. */
  readonly subjects: ReadonlySet<string>;
  readonly over: AbortController;
}

export interface TransferMemory {
  readonly key: ObjectKey;
  /** What the destination is known to have. */
  readonly there: Set<string>;
  readonly failed: Map<string, OperatorError>;
  job: Job | undefined;
  progress: TransferView['progress'];
  /** The registries that `there` and `question` speak of, as waysOf has them. */
  ways: string;
  /** What was asked for last. */
  question: string;
  /** The requests, by annotation, that came with it: another one has the destination asked at once whether it has all. */
  requests: string;
  /** These on the monotonic clock. */
  tryAgainAt: number;
  /** When the destination is asked again whether it still has all. */
  checkAt: number;
  toldAt: number;
}

/** After a restart what the status says of the destination holds until it has been asked again. */
export const recalledMemory = (set: ContainerImageSet, images: readonly Candidate[]): TransferMemory => ({
  key: keyOf(set),
  there: new Set(images.filter((candidate) => wasMirrored(set, candidate)).map(subjectOf)),
  failed: new Map(),
  job: undefined,
  progress: recalledProgress(set),
  ways: waysOf(set),
  question: '',
  requests: '',
  tryAgainAt: 0,
  checkAt: 0,
  toldAt: -Infinity,
});

const wasMirrored = ({ status }: ContainerImageSet, { image, found }: Candidate): boolean =>
  status?.resolved?.images.some(
    ({ state, digest, reference }) =>
      state === 'Mirrored' &&
      digest === found.digest &&
      reference === `${image.target.repository}:${found.tag}`,
  ) === true;

function recalledProgress({ status }: ContainerImageSet): TransferView['progress'] {
  const { progress } = status ?? {};
  if (progress?.startedAt === undefined) return undefined;
  const [images = 0, totalImages = 0] = progress.images.split('/').map(Number);
  const { bytes, totalBytes, copied = 0, mounted = 0, skipped = 0, startedAt } = progress;
  return { images, totalImages, bytes, totalBytes, copied, mounted, skipped, bytesPerSecond: 0, startedAt };
}

/** `error` undefined: it is there. What was there stays there in our eyes while the destination cannot be asked. */
export function note(memory: TransferMemory, candidate: Candidate, error: OperatorError | undefined): void {
  const subject = subjectOf(candidate);
  if (error === undefined) {
    memory.failed.delete(subject);
    memory.there.add(subject);
    return;
  }
  memory.failed.set(subject, error);
  // The source is asked only for what the destination lacks.
  if (error.kind !== 'transient' && !ofRegistry.has(error.reason)) memory.there.delete(subject);
}

/** These speak of a registry as a whole, and may be the source's: the destination has what it has. */
const ofRegistry: ReadonlySet<string> = new Set([
  'AddressForbidden',
  'CAInvalid',
  'CredentialsInvalid',
  'RegistryAuthFailed',
  'RegistryCertificateInvalid',
  'SecretNotFound',
]);

/** More images than the job copies may wait for its end; others than these may not. */
export function isInTheWay(job: Job, set: ContainerImageSet, images: readonly Candidate[]): boolean {
  const wanted = new Set(images.map(subjectOf));
  return job.ways !== waysOf(set) || ![...job.subjects].every((subject) => wanted.has(subject));
}

/** What to copy now, or to look after. To be called while no job runs; notes what was asked. */
export function toBeginWith(
  memory: TransferMemory,
  set: ContainerImageSet,
  images: readonly Candidate[],
  now: number,
): { readonly images: readonly Candidate[]; readonly isNew: boolean } {
  const ways = waysOf(set);
  const question = canonicalJson([ways, images.map(subjectOf)]);
  const requests = requestsOf(set);
  const isNew = question !== memory.question || requests !== memory.requests;
  if (ways !== memory.ways) memory.there.clear();
  memory.ways = ways;
  if (requests !== memory.requests) memory.checkAt = now;
  memory.question = question;
  memory.requests = requests;
  const wanted = new Set(images.map(subjectOf));
  for (const subject of memory.failed.keys()) if (!wanted.has(subject)) memory.failed.delete(subject);
  const due =
    now >= memory.checkAt ||
    images.some((candidate) => {
      const subject = subjectOf(candidate);
      return !memory.there.has(subject) || memory.failed.has(subject);
    });
  const waits = !isNew && memory.failed.size > 0 && now < memory.tryAgainAt;
  // All of them: what one lacks may be mounted from another.
  return { images: due && !waits ? images : [], isNew };
}

/** `any`: some of `images` may go. What may not is none of our business, and nothing to come back for. */
export function viewOf(
  memory: TransferMemory,
  images: readonly Candidate[],
  any: boolean,
  now: number,
): TransferView {
  const there = images.filter((candidate) => memory.there.has(subjectOf(candidate)));
  const unasked = there.flatMap((candidate) => memory.failed.get(subjectOf(candidate)) ?? []);
  const failed = images.flatMap((candidate) => {
    const subject = subjectOf(candidate);
    const error = memory.there.has(subject) ? undefined : memory.failed.get(subject);
    return error === undefined ? [] : [[candidate.image.name, error] as const];
  });
  return {
    mirrored: new Set(there.map(({ image }) => image.name)),
    failed: new Map(failed),
    unasked: unasked[0],
    running: memory.job !== undefined,
    progress: memory.progress,
    next: nextLook(memory, any, now),
  };
}

function nextLook(memory: TransferMemory, any: boolean, now: number): Outcome {
  if (memory.job !== undefined || !any) return settled;
  if (memory.failed.size > 0)
    return requeueAfter(Math.max(memory.tryAgainAt - now, 0), 'images could not be copied');
  return requeueAfter(Math.max(memory.checkAt - now, 0), 'the destination may lose images');
}

export const subjectOf = ({ image, found }: Candidate): string =>
  `${image.source.path}@${found.digest} ${image.target.path}:${found.tag}`;

export const waysOf = ({ spec }: ContainerImageSet): string => canonicalJson([spec.source, spec.destination]);

const requestsOf = ({ metadata }: ContainerImageSet): string =>
  canonicalJson([
    metadata.annotations?.[annotations.retry],
    metadata.annotations?.[annotations.reconcileRequestedAt],
  ]);
