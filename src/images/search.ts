// What is known of each set between reconciles: the digests that its images have, what failed, what the registry has by now,
// and when to ask again.
import { canonicalJson } from '../api/canonical.ts';
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import { annotations } from '../api/names.ts';
import { createBackoff } from '../kernel/backoff.ts';
import type { Clock } from '../kernel/clock.ts';
import { requeueAfter, settled, soonest, type Outcome } from '../kernel/controller.ts';
import type { OperatorError } from '../kernel/errors.ts';
import { keyOf, keyText, type ObjectKey } from '../kube/objects.ts';
import type { Catalog } from './catalog.ts';
import type { FoundImage, Lookup } from './lookup.ts';
import { pinsOf, recalled, retryOf, type Memory } from './memory.ts';
import type { Pin, PinStore, Proposal } from './pins.ts';
import { compare, pinOf, type Moved } from './proposal.ts';
import { identityOf, type WantedImage } from './resolve.ts';
import type { Candidate } from './verifier.ts';

const firstRetryMs = 2_000;
/** With the backoff's jitter of 10 % this stays below 30 s. */
const lastRetryMs = 27_000;
/** Leaves time for what is resolved to come back from the API server. */
const soonestCheckMs = 5_000;
/** A lookup that failed is tried again so soon, if the interval is longer. */
const lookupRetryMs = 5 * 60_000;
const reconsiderMs = 60_000;
const jitter = 0.1;

export interface Wanted {
  readonly set: ContainerImageSet;
  readonly catalog: Catalog | undefined;
  readonly images: readonly WantedImage[];
  /** More are needed than `images`: some cannot even be located. */
  readonly incomplete: boolean;
  /** Why one of these may not be used: then nothing that is new is proposed or taken. Throws only the signal's reason. */
  readonly vet: (candidates: readonly Candidate[], signal: AbortSignal) => Promise<OperatorError | undefined>;
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
  /**
   * These images, by name, were found and cannot be used: unsigned, damaged, gone. Those that no cloud runs are looked up
   * again from time to time.
   */
  doubt(wanted: Wanted, names: ReadonlySet<string>): void;
  /** Keeps what was found, so that it outlives the status. To be called before it is published. Throws as PinStore.write. */
  keep(wanted: Wanted, signal: AbortSignal): Promise<void>;
  forget(key: ObjectKey): void;
}

export interface SearchDeps {
  readonly lookup: Lookup;
  readonly pins: PinStore;
  readonly clock: Clock;
  readonly random: () => number;
}

export function createSearch(deps: SearchDeps): Search {
  const { pins, clock, random } = deps;
  const backoff = createBackoff({ baseMs: firstRetryMs, maxMs: lastRetryMs, random });
  const memories = new Map<string, Memory>();

  const recall = async ({ set, images }: Wanted, signal: AbortSignal): Promise<Memory> => {
    const id = keyText(keyOf(set));
    const known = memories.get(id);
    if (known?.of === momentOf(set)) return known;
    const memory = recalled(set, images, await pins.read(set, signal), momentOf(set));
    // Spread over the interval, so that a restart does not look all sets up at once. What is carried over to another spec is
    // looked up right away: some of what was said of its tags may be of tags that are gone from it.
    const atOnce = memory.found.size > 0 && !isPublished(set);
    memory.checkAt = clock.monotonic() + (atOnce ? 0 : intervalMs(set) * random());
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
    memory.tryAgainAt = clock.monotonic() + backoff.next(id);
    await resolve(deps, memory, { ...wanted, images: missing }, signal);
  };

  return {
    async run(wanted, signal) {
      const { set, images, incomplete } = wanted;
      const memory = await recall(wanted, signal);
      if (acceptedOf(set) === memory.proposal?.id) take(memory, memory.proposal);
      await findMissing(memory, wanted, signal);
      await reconsider(deps, memory, wanted, signal);
      const complete = !incomplete && !lacksAny(memory, images);
      // Clouds do not wait for a lookup: what is resolved is published first.
      if (complete && images.length > 0 && isPublished(set) && isDue(memory, set, clock.monotonic()))
        await lookAgain(deps, memory, wanted, signal);
      return { ...knownOf(memory, images), next: nextLook(memory, clock.monotonic(), wanted, complete) };
    },
    doubt({ set, images }, names) {
      const memory = memories.get(keyText(keyOf(set)));
      if (memory !== undefined)
        memory.doubted = doubtedIn(
          memory,
          set,
          images.filter(({ name }) => names.has(name)),
        );
    },
    async keep({ set, images }, signal) {
      const id = keyText(keyOf(set));
      const memory = memories.get(id);
      if (memory === undefined) return;
      try {
        await keepIn(pins, memory, { set, images }, signal);
      } catch (thrown) {
        // Whoever wrote them knows something that we do not.
        memories.delete(id);
        throw thrown;
      }
    },
    forget(key) {
      backoff.reset(keyText(key));
      memories.delete(keyText(key));
    },
  };
}

async function keepIn(
  pins: PinStore,
  memory: Memory,
  { set, images }: Pick<Wanted, 'set' | 'images'>,
  signal: AbortSignal,
): Promise<void> {
  const now = pinsOf(memory, images, set);
  if (!pins.isCurrent(set, now)) await pins.write(set, memory.kept, now, signal);
  memory.kept = now;
}

/** Each answer is noted as it comes: what was found counts, also when time runs out for the rest. */
async function resolve(
  { lookup }: SearchDeps,
  memory: Memory,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<void> {
  await lookup.resolve(wanted, signal, (answer) => {
    const of = identityOf(answer.image);
    if ('error' in answer) {
      memory.failed.set(of, answer.error);
      return;
    }
    memory.failed.delete(of);
    memory.found.set(of, pinOf(answer.image, answer.found));
  });
}

/** What cannot be used as it was found, and no cloud runs, may have been pushed again: then it is what it is now. */
async function reconsider(
  deps: SearchDeps,
  memory: Memory,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = deps;
  const doubted = wanted.images.filter((image) => memory.doubted.has(identityOf(image)));
  if (doubted.length === 0 || clock.monotonic() < memory.reconsiderAt) return;
  memory.reconsiderAt = clock.monotonic() + reconsiderMs;
  const answers = await deps.lookup.resolve({ ...wanted, images: doubted }, signal);
  for (const answer of answers) {
    if ('found' in answer) memory.found.set(identityOf(answer.image), pinOf(answer.image, answer.found));
  }
}

/** What the registry has by now is taken or proposed. */
async function lookAgain(
  { lookup, clock, random }: SearchDeps,
  memory: Memory,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<void> {
  memory.attempted = requestOf(wanted.set);
  const answers = await lookup.current(wanted, signal);
  let news = compare(memory.found, answers, memory.proposal, clock.now());
  if (news.kind === 'known' && news.proposal !== undefined && news.proposal !== memory.proposal) {
    // What is new is fetched once, so that its digest is proven and its size known.
    const changed = news.moved.flatMap(({ image, now }) => (now === undefined ? [] : [image]));
    const fetched = await lookup.resolve({ ...wanted, images: changed }, signal);
    const others = answers.filter(({ image }) => !changed.includes(image));
    const refused = await wanted.vet(
      fetched.flatMap((answer) => ('found' in answer ? [answer] : [])),
      signal,
    );
    news =
      refused === undefined
        ? compare(memory.found, [...others, ...fetched], memory.proposal, clock.now())
        : { kind: 'unknown', error: refused };
  }
  const interval = intervalMs(wanted.set);
  if (news.kind === 'unknown') {
    memory.lookupError = news.error;
    memory.checkAt = clock.monotonic() + Math.min(interval, lookupRetryMs) * (1 + jitter * random());
    return;
  }
  memory.lookupError = undefined;
  memory.moved = news.moved;
  if (wanted.set.spec.updatePolicy === 'Apply') take(memory, news.proposal);
  else memory.proposal = news.proposal;
  memory.requested = requestOf(wanted.set);
  memory.checkAt = clock.monotonic() + interval * (1 + jitter * random());
}

/** What is proposed becomes what is. */
function take(memory: Memory, proposal: Proposal | undefined): void {
  for (const pin of proposal?.images ?? []) memory.found.set(pin.of, pin);
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

/** With `accept` in it, taking that back goes back to what was pinned, as long as nothing else was. */
const momentOf = (set: ContainerImageSet): string =>
  canonicalJson([set.metadata.uid, set.metadata.generation, retryOf(set), acceptedOf(set)]);

const requestOf = ({ metadata }: ContainerImageSet): string | undefined =>
  metadata.annotations?.[annotations.reconcileRequestedAt];

const acceptedOf = ({ metadata }: ContainerImageSet): string | undefined =>
  metadata.annotations?.[annotations.accept];

const isPublished = ({ metadata, status }: ContainerImageSet): boolean =>
  status?.resolved?.generation === metadata.generation;

/** A request that failed is tried again as any lookup is. */
const isDue = (memory: Memory, set: ContainerImageSet, now: number): boolean =>
  now >= memory.checkAt || ![memory.requested, memory.attempted].includes(requestOf(set));

/** What no cloud runs as it is. */
const doubtedIn = (
  { found }: Memory,
  set: ContainerImageSet,
  images: readonly WantedImage[],
): ReadonlySet<string> =>
  new Set(
    images.filter((image) => !isPublishedAs(set, image.name, found.get(identityOf(image)))).map(identityOf),
  );

/** Clouds run it as it is. */
const isPublishedAs = ({ status }: ContainerImageSet, name: string, pin: Pin | undefined): boolean =>
  status?.resolved?.images.some((image) => image.name === name && image.digest === pin?.digest) === true;

const intervalMs = ({ spec }: ContainerImageSet): number => spec.lookupIntervalSeconds * 1000;

/** What cannot even be located is no matter of time: only another spec helps. */
function nextLook(memory: Memory, now: number, { images }: Wanted, complete: boolean): Outcome {
  const reconsider =
    memory.doubted.size === 0
      ? settled
      : requeueAfter(Math.max(memory.reconsiderAt - now, soonestCheckMs), 'images cannot be used');
  return soonest(reconsider, nextLookup(memory, now, images, complete));
}

const lacksAny = ({ found }: Memory, images: readonly WantedImage[]): boolean =>
  images.some((image) => !found.has(identityOf(image)));

function nextLookup(memory: Memory, now: number, images: readonly WantedImage[], complete: boolean): Outcome {
  if (lacksAny(memory, images))
    return requeueAfter(Math.max(memory.tryAgainAt - now, 0), 'images are not resolved');
  if (!complete || images.length === 0) return settled;
  return requeueAfter(Math.max(memory.checkAt - now, soonestCheckMs), 'tags may move');
}
