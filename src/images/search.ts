// What is known of each set between reconciles: digests found so far, what failed, when to ask the registry again.
import { canonicalJson } from '../api/canonical.ts';
import type { ContainerImageSet, ContainerImageSetSpec } from '../api/containerimageset.gen.ts';
import { annotations } from '../api/names.ts';
import { createBackoff } from '../kernel/backoff.ts';
import type { Clock } from '../kernel/clock.ts';
import { requeueAfter, settled, type Outcome, type ReconcileContext } from '../kernel/controller.ts';
import { asOperatorError, type OperatorError } from '../kernel/errors.ts';
import { keyOf, keyText, type ObjectKey } from '../kube/objects.ts';
import type { Lookup } from './lookup.ts';
import { retryOf, type Findings, type MovedTag, type ResolvedImage, type UnresolvedImage } from './report.ts';
import { locate, type ImageLocation } from './resolve.ts';

const firstRetryMs = 2_000;
/** With the backoff's jitter of 10 % this stays below 30 s. */
const lastRetryMs = 27_000;
const checkIntervalMs = 10 * 60_000;
/** Leaves time for what is resolved to come back from the API server. */
const soonestCheckMs = 1_000;

export interface Search {
  /**
   * Finds what is missing, unless it was tried for just now. An image keeps its digest while its reference stays the same; a
   * tag that stands for another later is only told of, and taken when the annotation undercloud.dev/retry asks for it.
   */
  run(
    context: ReconcileContext,
    set: ContainerImageSet,
    needed: readonly string[],
  ): Promise<{ readonly findings: Findings; readonly next: Outcome }>;
  forget(key: ObjectKey): void;
}

interface Memory {
  /** The set, its generation and its retry annotation: with another of these everything is found anew. */
  readonly of: string;
  /** Digests by reference. */
  readonly found: Map<string, string>;
  /** Of the last time that was asked, by reference. */
  failed: ReadonlyMap<string, OperatorError>;
  /** What was asked then: another question is asked at once. */
  question: string;
  /** These two on the monotonic clock. */
  tryAgainAt: number;
  checkAt: number;
  moved: readonly MovedTag[] | undefined;
}

export function createSearch(deps: {
  readonly lookup: Lookup;
  readonly clock: Clock;
  readonly random: () => number;
}): Search {
  const { lookup, clock, random } = deps;
  const backoff = createBackoff({ baseMs: firstRetryMs, maxMs: lastRetryMs, random });
  const memories = new Map<string, Memory>();

  const recall = (set: ContainerImageSet, located: readonly ImageLocation[]): Memory => {
    const id = keyText(keyOf(set));
    const known = memories.get(id);
    if (known?.of === identityOf(set)) return known;
    const memory = firstMemory(set, located);
    // Spread over the interval, so that a restart does not check all sets at once. What is carried over to another spec is
    // checked right away: some of what was said of its tags may be of tags that are gone from it.
    const carriedOver = memory.found.size > 0 && !isPublished(set);
    memory.checkAt = clock.monotonic() + (carriedOver ? 0 : checkIntervalMs * random());
    memories.set(id, memory);
    return memory;
  };

  const run: Search['run'] = async (context, set, needed) => {
    const { located, invalid } = locateAll(set.spec, needed);
    const memory = recall(set, located);
    const missing = located.filter(({ reference }) => !memory.found.has(reference));
    const question = questionOf(set, located);
    const id = keyText(keyOf(set));
    if (question !== memory.question) backoff.reset(id);
    if (missing.length > 0 && (question !== memory.question || clock.monotonic() >= memory.tryAgainAt)) {
      await ask(lookup, context, set, memory, missing);
      memory.tryAgainAt = clock.monotonic() + backoff.next(id);
    }
    memory.question = question;
    const found = resolvedImages(memory, located);
    const complete = found.length > 0 && found.length === needed.length;
    // Clouds do not wait for a check: what is resolved is published first.
    if (complete && isPublished(set) && clock.monotonic() >= memory.checkAt) {
      await check(lookup, context, set, memory, located);
      memory.checkAt = clock.monotonic() + checkIntervalMs * (1 + random() / 10);
    }
    const failed = failures(memory, located);
    const unresolved = [...invalid, ...failed];
    return {
      findings: { needed: needed.length, found, unresolved, moved: memory.moved },
      next: nextLook(memory, clock.monotonic(), failed.length > 0, complete),
    };
  };

  return {
    run,
    forget(key) {
      memories.delete(keyText(key));
      backoff.reset(keyText(key));
    },
  };
}

async function ask(
  lookup: Lookup,
  { signal }: ReconcileContext,
  set: ContainerImageSet,
  memory: Memory,
  missing: readonly ImageLocation[],
): Promise<void> {
  const answers = await lookup.resolve(set, missing, signal);
  for (const answer of answers) {
    if ('digest' in answer) memory.found.set(answer.image.reference, answer.digest);
  }
  memory.failed = new Map(
    answers.flatMap((answer) => ('error' in answer ? [[answer.image.reference, answer.error]] : [])),
  );
}

async function check(
  lookup: Lookup,
  { signal, log }: ReconcileContext,
  set: ContainerImageSet,
  memory: Memory,
  images: readonly ImageLocation[],
): Promise<void> {
  try {
    const now = await lookup.current(set, images, signal);
    memory.moved = resolvedImages(memory, images).flatMap((image, index) =>
      now[index] === image.digest ? [] : [{ image, now: now[index] }],
    );
  } catch (thrown) {
    signal.throwIfAborted();
    // The set stays as good as it was; the next check tells more.
    log.debug('Tags could not be checked', { error: asOperatorError(thrown).message });
  }
}

const identityOf = (set: ContainerImageSet): string =>
  canonicalJson([set.metadata.uid, set.metadata.generation, retryOf(set)]);

const isPublished = ({ metadata, status }: ContainerImageSet): boolean =>
  status?.resolved?.generation === metadata.generation;

/** Digests of references that have not changed are taken from the status, unless a person asked for another look. */
function firstMemory(set: ContainerImageSet, located: readonly ImageLocation[]): Memory {
  const { resolved } = set.status ?? {};
  const pins = resolved?.retry === retryOf(set) ? (resolved?.images ?? []) : [];
  const wanted = new Set(located.map(({ reference }) => reference));
  const kept = pins.filter(({ reference }) => wanted.has(reference));
  return {
    of: identityOf(set),
    found: new Map(kept.map(({ reference, digest }) => [reference, digest])),
    failed: new Map(),
    question: '',
    tryAgainAt: 0,
    checkAt: 0,
    moved: kept.length === 0 ? [] : undefined,
  };
}

function locateAll(
  spec: ContainerImageSetSpec,
  names: readonly string[],
): { readonly located: readonly ImageLocation[]; readonly invalid: readonly UnresolvedImage[] } {
  const located: ImageLocation[] = [];
  const invalid: UnresolvedImage[] = [];
  for (const name of names) {
    try {
      located.push(locate(spec, name));
    } catch (thrown) {
      invalid.push({ name, reference: '', error: asOperatorError(thrown) });
    }
  }
  return { located, invalid };
}

/** A new value of the annotation asks for another try at once. */
const questionOf = ({ metadata }: ContainerImageSet, located: readonly ImageLocation[]): string =>
  canonicalJson([
    metadata.annotations?.[annotations.reconcileRequestedAt],
    located.map(({ reference }) => reference),
  ]);

const resolvedImages = (memory: Memory, images: readonly ImageLocation[]): readonly ResolvedImage[] =>
  images.flatMap(({ name, repository, tag, reference }) => {
    const digest = memory.found.get(reference);
    return digest === undefined ? [] : [{ name, repository, tag, digest, reference }];
  });

const failures = (memory: Memory, images: readonly ImageLocation[]): readonly UnresolvedImage[] =>
  images.flatMap(({ name, reference }) => {
    const error = memory.found.has(reference) ? undefined : memory.failed.get(reference);
    return error === undefined ? [] : [{ name, reference, error }];
  });

/** What cannot even be located is no matter of time: only another spec helps. */
function nextLook(memory: Memory, now: number, retry: boolean, complete: boolean): Outcome {
  if (retry) return requeueAfter(Math.max(memory.tryAgainAt - now, 0), 'images are not resolved');
  if (!complete) return settled;
  return requeueAfter(Math.max(memory.checkAt - now, soonestCheckMs), 'tags may move');
}
