// Asks a set's registries what each image's tag is and which digest it has, each image on its own, so that one which fails
// does not hold up the rest.
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import { asOperatorError, terminal, type OperatorError } from '../kernel/errors.ts';
import type { Registries } from './access.ts';
import { hostOf, type Side } from './access.ts';
import { createLimiterByHost } from './by-host.ts';
import { createLabelReader, type LabelReader } from './label-reader.ts';
import { tagFromLabels } from './labels.ts';
import { bytesPulled } from './manifest.ts';
import type { Registry } from './registry/port.ts';
import { legalTag, locate, notFound, placeOn, remedyFor, type WantedImage } from './resolve.ts';
import { newestTag } from './tags.ts';
import type { Catalog, TagRule } from './catalog.ts';

/** To one registry, of all sets together: registries count requests. */
const atOnce = 8;

export interface FoundImage {
  readonly tag: string;
  readonly digest: string;
  /** Bytes that a host pulls; undefined where nobody asked, and for an image of several platforms. */
  readonly size?: number;
}

export type Answer =
  | { readonly image: WantedImage; readonly found: FoundImage }
  | { readonly image: WantedImage; readonly error: OperatorError };

export interface Question {
  readonly set: ContainerImageSet;
  readonly catalog: Catalog | undefined;
  readonly images: readonly WantedImage[];
}

export interface Lookup {
  /**
   * An answer for each image, in their order, its manifest fetched and verified. A source that is away is stood in for by the
   * destination, as far as that has what is asked for. Throws only the signal's reason.
   */
  resolve(
    question: Question,
    signal: AbortSignal,
    /** Hears of each as soon as it is known. */
    note?: (answer: Answer) => void,
  ): Promise<readonly Answer[]>;
  /** The same of the source alone, by requests that are no pulls where that is possible. ImageNotFound: it is gone. */
  current(question: Question, signal: AbortSignal): Promise<readonly Answer[]>;
}

/** One side of a set, opened, and what is needed to tell a tag there. */
interface At {
  readonly question: Question;
  readonly side: Side;
  readonly registry: Registry;
  readonly labels: LabelReader;
}

type Find = (at: At, image: WantedImage, signal: AbortSignal) => Promise<FoundImage>;

export function createLookup(registries: Registries): Lookup {
  const limiterFor = createLimiterByHost(atOnce);
  const labels = createLabelReader();

  const answers = async (
    question: Question,
    side: Side,
    find: Find,
    signal: AbortSignal,
    note: (answer: Answer) => void = () => undefined,
  ): Promise<readonly Answer[]> => {
    const { set, images } = question;
    const limiter = limiterFor(hostOf(set.spec, side));
    const failed = (image: WantedImage, thrown: unknown): Answer => {
      signal.throwIfAborted();
      return { image, error: asOperatorError(thrown) };
    };
    try {
      const at: At = { question, side, registry: await registries.open(set, side, signal), labels };
      const ask = async (image: WantedImage): Promise<Answer> => {
        const answer = await find(at, image, signal)
          .then((found): Answer => ({ image, found }))
          .catch((thrown: unknown) => failed(image, thrown));
        note(answer);
        return answer;
      };
      return await Promise.all(images.map((image) => limiter.run(signal, () => ask(image))));
    } catch (thrown) {
      const all = images.map((image) => failed(image, thrown));
      all.forEach(note);
      return all;
    }
  };

  return {
    async resolve(question, signal, note) {
      const asked = await answers(question, 'source', pull, signal, note);
      const away = asked.flatMap((answer) =>
        'error' in answer && answer.error.kind === 'transient' ? [answer.image] : [],
      );
      if (away.length === 0 || question.set.spec.destination === undefined) return asked;
      const there = await answers({ ...question, images: away }, 'destination', pull, signal);
      const found = new Map(there.flatMap((answer) => ('found' in answer ? [[answer.image, answer]] : [])));
      for (const answer of found.values()) note?.(answer);
      return asked.map((answer) => found.get(answer.image) ?? answer);
    },
    current: (question, signal) => answers(question, 'source', peek, signal),
  };
}

const pull: Find = async (at, image, signal) => {
  const tag = await tagOf(at, image, signal);
  const { path } = placeOn(image, at.side);
  const manifest = await unlessMissing(at, image, `${path}:${tag}`, remedyFor(image.rule), () =>
    at.registry.manifest(path, tag, signal),
  );
  const size = bytesPulled(manifest);
  return { tag, digest: manifest.digest, ...(size === undefined ? {} : { size }) };
};

const peek: Find = async (at, image, signal) => {
  const tag = await tagOf(at, image, signal);
  const place = placeOn(image, at.side);
  const digest = await at.registry.digest(place.path, tag, signal);
  if (digest === undefined)
    throw notFound(at.question.set.spec, place, `${place.path}:${tag}`, remedyFor(image.rule));
  return { tag, digest };
};

/** Which tag the image's rule yields. Throws terminal TagInvalid, TagLabelUnknown, NoTagMatches and ImageNotFound. */
async function tagOf(at: At, image: WantedImage, signal: AbortSignal): Promise<string> {
  const { rule, name } = image;
  switch (rule.kind) {
    case 'tag':
      return rule.tag;
    case 'label':
      return labelledTag(at, image, rule, signal);
    case 'pattern': {
      const { path } = placeOn(image, at.side);
      const remedy =
        'push it there, or correct namespace, prefix or suffix in spec.source, or spec.overrides';
      const tags = await unlessMissing(at, image, path, remedy, () => at.registry.tags(path, signal));
      const newest = newestTag(tags, rule.pattern);
      if (newest === undefined) {
        throw terminal(
          'NoTagMatches',
          `none of the ${tags.length} tags of ${placeOn(image, at.side).repository} matches ${rule.pattern}: correct spec.tagPattern, or give image ${name} a tag in spec.overrides`,
        );
      }
      return legalTag(newest, name);
    }
  }
}

async function labelledTag(
  at: At,
  image: WantedImage,
  rule: TagRule & { readonly kind: 'label' },
  signal: AbortSignal,
): Promise<string> {
  const { set, catalog } = at.question;
  const read = rule.image === undefined ? image : locate(set.spec, catalog, rule.image);
  const { path } = placeOn(read, at.side);
  const field = rule.image === undefined ? 'inspectTag' : 'image or inspectTag';
  const remedy = `its labels are to name the tag: push it there, or correct ${field} in spec.tagFromLabel`;
  const labels = await unlessMissing(at, read, `${path}:${rule.inspectTag}`, remedy, () =>
    at.labels.read(
      at.registry,
      `${hostOf(set.spec, at.side)}/${path}`,
      { path, tag: rule.inspectTag },
      signal,
    ),
  );
  return legalTag(tagFromLabels(rule.format, labels, read.name), image.name);
}

/** Says where `what` was looked for, and what to correct. */
async function unlessMissing<T>(
  at: At,
  image: WantedImage,
  what: string,
  remedy: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const error = asOperatorError(thrown);
    throw error.reason === 'ImageNotFound'
      ? notFound(at.question.set.spec, placeOn(image, at.side), what, remedy)
      : error;
  }
}
