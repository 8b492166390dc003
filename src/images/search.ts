// What is known of each set between reconciles: the digests that its images have, what failed, what the registry has by now,
// and when to ask again.
import { canonicalJson } from '../api/canonical.ts';
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import { annotations } from '../api/names.ts';
import { createBackoff } from '../kernel/backoff.ts';
import type { Clock } from '../kernel/clock.ts';
import { requeueAfter, settled, type Outcome } from '../kernel/controller.ts';
import type { OperatorError } from '../kernel/errors.ts';
import { keyOf, keyText, type ObjectKey } from '../kube/objects.ts';
import type { Catalog } from './catalog.ts';
import type { FoundImage, Lookup } from './lookup.ts';
import { pinsOf, recalled } from './memory.ts';
import type { Pins, PinStore, Proposal } from './pins.ts';
import { compare, type Moved } from './proposal.ts';
import { identityOf, type WantedImage } from './resolve.ts';

const firstRetryMs = 2_000;
/** With the backoff's jitter of 10 % this stays below 30 s. */
const lastRetryMs = 27_000;
/** Leaves time for what is resolved to come back from the API server. */
const soonestCheckMs = 5_000;
const jitter = 0.1;

export interface Wanted {
  readonly set: ContainerImageSet;
  readonly catalog: Catalog | undefined;
  readonly images: readonly WantedImage[];
  /** More are needed than `images`: some cannot even be located. */
  readonly incomplete: boolean;
}

/** What is known after a look. */
export interface Known {
  /** By the image's name. */
  readonly found: ReadonlyMap<string, FoundImage>;
  readonly failed: ReadonlyMap<string, OperatorError>;
  /** Tags that stand for something else, or for nothing, by now; undefined when nobody has looked since this process started. */
  readonly moved: readonly Moved[] | undefined;
  readonly proposal: Proposal | undefined;
  /** Why the tags could not be looked up again the last time. */
  readonly lookupError: OperatorError | undefined;
  readonly next: Outcome;
}

export interface Search {
  /**
   * Finds what is missing, unless it was tried for just now. An image keeps its digest while its place and the rule for its tag
   * stay the same; what the registry has later is proposed, or taken, as spec.updatePolicy says. Throws terminal PinsInvalid.
   */
  run(wanted: Wanted, signal: AbortSignal): Promise<Known>;
  /** Keeps what was found, so that it outlives the status. To be called before it is published. Throws as PinStore.write. */
  keep(wanted: Wanted, signal: AbortSignal): Promise<void>;
  forget(key: ObjectKey): void;
}

export interface Memory {
  /** The set, its generation and its retry annotation: with another of these everything is recalled anew. */
  readonly of: string;
  /** By identity, as `failed` and `current`. */
  readonly found: Map<string, FoundImage>;
  failed: ReadonlyMap<string, OperatorError>;
  moved: readonly Moved[] | undefined;
  proposal: Proposal | undefined;
  lookupError: OperatorError | undefined;
  /** What was asked last: another question is asked at once. */
  question: string;
  /** The request, by annotation, that the last lookup answered. */
  requested: string | undefined;
  /** These two on the monotonic clock. */
  tryAgainAt: number;
  checkAt: number;
  /** What was written last. */
  kept: Pins | undefined;
}

export interface SearchDeps {
  readonly lookup: Lookup;
  readonly pins: PinStore;
  readonly clock: Clock;
  readonly random: () => number;
}

export function createSearch(deps: SearchDeps): Search {
  const { lookup, pins, clock, random } = deps;
  const backoff = createBackoff({ baseMs: firstRetryMs, maxMs: lastRetryMs, random });
  const memories = new Map<string, Memory>();

  const recall = async ({ set, images }: Wanted, signal: AbortSignal): Promise<Memory> => {
    const id = keyText(keyOf(set));
    const known = memories.get(id);
    if (known?.of === momentOf(set)) return known;
    const memory = recalled(set, images, await pins.read(set, signal), momentOf(set));
    // Spread over the interval, so that a restart does not look all sets up at once. What is carried over to another spec is
    // looked up right away: some of what was said of its tags may be of tags that are gone from it.
    const carriedOver = memory.found.size > 0 && !isPublished(set);
    memory.checkAt = clock.monotonic() + (carriedOver ? 0 : intervalMs(set) * random());
    memories.set(id, memory);
    return memory;
  };

  const findMissing = async (memory: Memory, wanted: Wanted, signal: AbortSignal): Promise<void> => {
    const id = keyText(keyOf(wanted.set));
    const missing = wanted.images.filter((image) => !memory.found.has(identityOf(image)));
    const question = canonicalJson([requestOf(wanted.set), wanted.images.map(identityOf)]);
    const asked = question === memory.question;
    memory.question = question;
    if (!asked) backoff.reset(id);
    if (missing.length === 0 || (asked && clock.monotonic() < memory.tryAgainAt)) return;
    await resolve(lookup, memory, { ...wanted, images: missing }, signal);
    memory.tryAgainAt = clock.monotonic() + backoff.next(id);
  };

  return {
    async run(wanted, signal) {
      const { set, images, incomplete } = wanted;
      const memory = await recall(wanted, signal);
      if (memory.proposal !== undefined && acceptedOf(set) === memory.proposal.id)
        take(memory, memory.proposal);
      await findMissing(memory, wanted, signal);
      const complete = !incomplete && images.every((image) => memory.found.has(identityOf(image)));
      // Clouds do not wait for a lookup: what is resolved is published first.
      const due = clock.monotonic() >= memory.checkAt || memory.requested !== requestOf(set);
      if (complete && images.length > 0 && isPublished(set) && due)
        await lookAgain(deps, memory, wanted, signal);
      return { ...knownOf(memory, images), next: nextLook(memory, clock.monotonic(), wanted, complete) };
    },
    async keep({ set, images }, signal) {
      const memory = memories.get(keyText(keyOf(set)));
      if (memory === undefined) return;
      const now = pinsOf(memory, images, set);
      if (canonicalJson(now) === canonicalJson(memory.kept)) return;
      await pins.write(set, now, signal);
      memory.kept = now;
    },
    forget(key) {
      memories.delete(keyText(key));
      backoff.reset(keyText(key));
    },
  };
}

async function resolve(lookup: Lookup, memory: Memory, wanted: Wanted, signal: AbortSignal): Promise<void> {
  const answers = await lookup.resolve(wanted, signal);
  for (const answer of answers) {
    if ('found' in answer) memory.found.set(identityOf(answer.image), answer.found);
  }
  memory.failed = new Map(
    answers.flatMap((answer) => ('error' in answer ? [[identityOf(answer.image), answer.error]] : [])),
  );
}

/** What the registry has by now is taken or proposed. */
async function lookAgain(
  { lookup, clock, random }: SearchDeps,
  memory: Memory,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<void> {
  const answers = await lookup.current(wanted, signal);
  let news = compare(memory.found, answers, memory.proposal, clock.now());
  if (news.proposal !== undefined && news.proposal !== memory.proposal) {
    // What is new is fetched once, so that its digest is proven and its size known.
    const changed = news.moved.flatMap(({ image, now }) => (now === undefined ? [] : [image]));
    const fetched = await lookup.resolve({ ...wanted, images: changed }, signal);
    const others = answers.filter(({ image }) => !changed.includes(image));
    news = compare(memory.found, [...others, ...fetched], memory.proposal, clock.now());
  }
  memory.lookupError = news.error;
  memory.moved = news.moved;
  if (wanted.set.spec.updatePolicy === 'Apply') take(memory, news.proposal);
  else memory.proposal = news.proposal;
  memory.requested = requestOf(wanted.set);
  memory.checkAt = clock.monotonic() + intervalMs(wanted.set) * (1 + jitter * random());
}

/** What is proposed becomes what is. */
function take(memory: Memory, proposal: Proposal | undefined): void {
  for (const { of, tag, digest, size } of proposal?.images ?? []) {
    memory.found.set(of, { tag, digest, ...(size === undefined ? {} : { size }) });
  }
  if (proposal !== undefined) memory.moved = memory.moved?.filter(({ now }) => now === undefined);
  memory.proposal = undefined;
}

function knownOf(memory: Memory, images: readonly WantedImage[]): Omit<Known, 'next'> {
  const { found, failed, moved, proposal, lookupError } = memory;
  const named = <T>(values: ReadonlyMap<string, T>) =>
    new Map(
      images.flatMap((image) => {
        const value = values.get(identityOf(image));
        return value === undefined ? [] : [[image.name, value] as const];
      }),
    );
  const foundByName = named(found);
  return {
    found: foundByName,
    failed: new Map([...named(failed)].filter(([name]) => !foundByName.has(name))),
    moved,
    proposal,
    lookupError,
  };
}

const momentOf = (set: ContainerImageSet): string =>
  canonicalJson([set.metadata.uid, set.metadata.generation, set.metadata.annotations?.[annotations.retry]]);

const requestOf = ({ metadata }: ContainerImageSet): string | undefined =>
  metadata.annotations?.[annotations.reconcileRequestedAt];

const acceptedOf = ({ metadata }: ContainerImageSet): string | undefined =>
  metadata.annotations?.[annotations.accept];

const isPublished = ({ metadata, status }: ContainerImageSet): boolean =>
  status?.resolved?.generation === metadata.generation;

const intervalMs = ({ spec }: ContainerImageSet): number => spec.lookupIntervalSeconds * 1000;

/** What cannot even be located is no matter of time: only another spec helps. */
function nextLook(memory: Memory, now: number, { images }: Wanted, complete: boolean): Outcome {
  if (images.some((image) => !memory.found.has(identityOf(image))))
    return requeueAfter(Math.max(memory.tryAgainAt - now, 0), 'images are not resolved');
  if (!complete || images.length === 0) return settled;
  return requeueAfter(Math.max(memory.checkAt - now, soonestCheckMs), 'tags may move');
}
