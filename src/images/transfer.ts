// Copies what sets need to their destinations, beside the reconciles: one job a set, one at a time for each destination.
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import { createBackoff } from '../kernel/backoff.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Outcome } from '../kernel/controller.ts';
import { asOperatorError, type OperatorError } from '../kernel/errors.ts';
import { createKeyedMutex } from '../kernel/limiter.ts';
import { keyOf, keyText, type ObjectKey } from '../kube/objects.ts';
import { hostOf, type Registries } from './access.ts';
import type { Mirror, MirrorImage } from './mirror/copy.ts';
import type { MirrorProgress } from './mirror/progress.ts';
import {
  isInTheWay,
  note,
  recalledMemory,
  subjectOf,
  toBeginWith,
  viewOf,
  waysOf,
  type Job,
  type TransferMemory,
} from './transfer-memory.ts';
import type { Candidate } from './verifier.ts';
import { referrersTagOf } from './verify/bundle.ts';
import { signatureTagOf } from './verify/signature.ts';

const firstRetryMs = 5_000;
const lastRetryMs = 5 * 60_000;
/** As often as a status is written. */
const tellMs = 5_000;

export interface TransferView {
  /** Names of the images that the destination has. */
  readonly mirrored: ReadonlySet<string>;
  readonly failed: ReadonlyMap<string, OperatorError>;
  /** Why it could not be asked, the last time, whether it still has them. */
  readonly unasked?: OperatorError | undefined;
  readonly running: boolean;
  /** Of the job that runs, or ran last. */
  readonly progress: (MirrorProgress & { readonly startedAt: string }) | undefined;
  readonly next: Outcome;
}

export interface Transfer {
  /**
   * Sees to it that those of `images` which `mayGo` get to the destination, and tells which of all are there. Does no I/O
   * itself.
   */
  look(
    set: ContainerImageSet,
    images: readonly Candidate[],
    mayGo: (candidate: Candidate) => boolean,
  ): TransferView;
  /** What runs for this set ends. */
  forget(key: ObjectKey): void;
  /** `tell` is called when there is something new to be seen; all ends with `signal`. */
  start(tell: (key: ObjectKey) => void, signal: AbortSignal): void;
  /** Resolves when nothing runs any more. */
  finish(): Promise<void>;
}

export interface TransferDeps {
  readonly registries: Registries;
  readonly mirror: Mirror;
  readonly clock: Clock;
  readonly random: () => number;
}

export function createTransfer(deps: TransferDeps): Transfer {
  const { clock, random } = deps;
  const backoff = createBackoff({ baseMs: firstRetryMs, maxMs: lastRetryMs, random });
  const turns = createKeyedMutex();
  const memories = new Map<string, TransferMemory>();
  const running = new Set<Promise<void>>();
  let life = new AbortController().signal;
  let tell: (key: ObjectKey) => void = () => undefined;

  const ended = (memory: TransferMemory, set: ContainerImageSet): void => {
    const id = keyText(memory.key);
    memory.job = undefined;
    if (memory.failed.size === 0) {
      backoff.reset(id);
      memory.checkAt = clock.monotonic() + set.spec.lookupIntervalSeconds * 1000;
    } else {
      memory.tryAgainAt = clock.monotonic() + backoff.next(id);
    }
    if (!life.aborted && memories.get(id) === memory) tell(memory.key);
  };

  const begin = (memory: TransferMemory, set: ContainerImageSet, images: readonly Candidate[]): Job => {
    const over = new AbortController();
    const signal = AbortSignal.any([life, over.signal]);
    const work: Work = { memory, set, images, tell: () => tell(memory.key) };
    const inTurn = () => turns.run(hostOf(set.spec, 'destination'), signal, () => copy(deps, work, signal));
    // Once the caller has noted it: a job may be over at once.
    const done = Promise.resolve()
      .then(inTurn)
      .catch((thrown: unknown) => giveUp(work, signal, thrown))
      .then(() => ended(memory, set));
    running.add(done);
    void done.finally(() => running.delete(done));
    return { ways: waysOf(set), subjects: new Set(images.map(subjectOf)), over };
  };

  const goOn = (memory: TransferMemory, set: ContainerImageSet, images: readonly Candidate[]): void => {
    if (memory.job !== undefined) {
      // The look after its end begins the new one.
      if (isInTheWay(memory.job, set, images)) memory.job.over.abort(new Error('other images are wanted'));
      return;
    }
    const first = toBeginWith(memory, set, images, clock.monotonic());
    if (first.isNew) backoff.reset(keyText(memory.key));
    if (first.images.length > 0 && !life.aborted) memory.job = begin(memory, set, first.images);
  };

  return {
    look(set, images, mayGo) {
      const id = keyText(keyOf(set));
      const memory = memories.get(id) ?? recalledMemory(set, images);
      memories.set(id, memory);
      const going = images.filter(mayGo);
      goOn(memory, set, going);
      return viewOf(memory, images, going.length > 0, clock.monotonic());
    },
    forget(key) {
      memories.get(keyText(key))?.job?.over.abort(new Error('the image set is gone, or paused'));
      memories.delete(keyText(key));
      backoff.reset(keyText(key));
    },
    start(listener, signal) {
      tell = listener;
      life = signal;
    },
    async finish() {
      await Promise.all(running);
    },
  };
}

interface Work {
  readonly memory: TransferMemory;
  readonly set: ContainerImageSet;
  readonly images: readonly Candidate[];
  readonly tell: () => void;
}

function giveUp({ memory, images }: Work, signal: AbortSignal, thrown: unknown): void {
  if (signal.aborted) return;
  for (const candidate of images) note(memory, candidate, asOperatorError(thrown));
}

async function copy(
  { registries, mirror, clock }: TransferDeps,
  { memory, set, images, tell }: Work,
  signal: AbortSignal,
): Promise<void> {
  const to = await registries.open(set, 'destination', signal);
  // The source may be away as long as nothing is missing.
  const from = await registries.connect(set, 'source', signal);
  const startedAt = clock.now().toISOString();
  const candidates = new Map(images.map((candidate) => [mirrorImage(set, candidate), candidate] as const));
  await mirror.copy([...candidates.keys()], from, to, {
    parallel: set.spec.mirror.parallel,
    signal,
    onImage(outcome) {
      const candidate = candidates.get(outcome.image);
      if (candidate !== undefined) note(memory, candidate, 'error' in outcome ? outcome.error : undefined);
    },
    onProgress(progress) {
      // A check that finds all in place is no copy, and nothing to write into a status.
      if (progress.totalBytes === 0 && progress.mounted === 0) return;
      memory.progress = { ...progress, startedAt };
      if (clock.monotonic() - memory.toldAt < tellMs) return;
      memory.toldAt = clock.monotonic();
      tell();
    },
  });
}

const mirrorImage = ({ spec }: ContainerImageSet, { image, found }: Candidate): MirrorImage => ({
  name: image.name,
  source: { path: image.source.path, digest: found.digest },
  destination: { path: image.target.path, tag: found.tag },
  // Where cosign keeps signatures: its own tag, and the one of referrers.
  ...(spec.verify?.cosign === undefined
    ? {}
    : { attachments: [signatureTagOf(found.digest), referrersTagOf(found.digest)] }),
});
