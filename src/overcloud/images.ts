// The images of one role's revision: every name that its services use, resolved by the image sets that the cloud names.
import type { ContainerImageSet, ContainerImageSetSpecDestination } from '../api/containerimageset.gen.ts';
import { isResolved } from '../api/image-set.ts';
import type { RevisionImage, RevisionRegistry } from '../api/revision.ts';
import { tagRange } from '../api/tag-order.ts';
import { conditionOf } from './host-object.ts';
import { problem, type Problem } from './problem.ts';

export interface ImageOverride {
  readonly name: string;
  readonly imageSetName: string;
}

export interface ImageInput {
  /** Names as services use them. */
  readonly names: readonly string[];
  readonly defaultSet: string;
  /** Single images that come from another set. */
  readonly overrides: readonly ImageOverride[];
  readonly sets: ReadonlyMap<string, ContainerImageSet>;
}

export interface ResolvedImages {
  readonly images: Readonly<Record<string, RevisionImage>>;
  /** The tag that people know the set by, the default one where it is used; empty where no image is needed. */
  readonly tag: string;
  readonly registries: readonly RevisionRegistry[];
}

export function resolveImages(input: ImageInput): ResolvedImages | readonly Problem[] {
  const setOf = (image: string) => overriddenBy(image, input.overrides) ?? input.defaultSet;
  const used = [...new Set(input.names.map(setOf))];
  const unready = used.flatMap((name) => setProblem(name, input.sets.get(name)) ?? []);
  if (unready.length > 0) return unready;

  const images: Record<string, RevisionImage> = {};
  const missing: Problem[] = [];
  for (const name of input.names.toSorted()) {
    const set = input.sets.get(setOf(name));
    const image = set?.status?.resolved?.images.find((item) => item.name === name);
    if (image === undefined) missing.push(notResolved(setOf(name), `has not resolved ${name} yet`, set));
    else images[name] = { repository: image.repository, tag: image.tag, digest: image.digest };
  }
  if (missing.length > 0) return missing;
  const sets = used.flatMap((name) => input.sets.get(name) ?? []);
  const main = sets.find(({ metadata }) => metadata.name === input.defaultSet) ?? sets[0];
  const own = input.names.filter((name) => setOf(name) === main?.metadata.name);
  const tag =
    main === undefined
      ? ''
      : tagFor(
          main,
          own.flatMap((name) => images[name]?.tag ?? []),
        );
  return { images, tag, registries: registriesOf(Object.values(images), sets) };
}

/**
 * Where each image has a tag of its own, those of the role's images count: what changes for others is no change of this role, and
 * must not cut a revision.
 */
function tagFor({ spec, status }: ContainerImageSet, tags: readonly string[]): string {
  if (spec.tag !== undefined) return status?.resolved?.tag ?? '';
  return tagRange(tags);
}

/** The set that a single image comes from; of two the first counts. */
export const overriddenBy = (image: string, overrides: readonly ImageOverride[]): string | undefined =>
  overrides.find(({ name }) => name === image)?.imageSetName;

/**
 * A set is used only when it is resolved as it stands now: never half, never as it was before the last change. What was resolved
 * and is found to be unsigned since, as by another key, hosts keep and nobody gets anew.
 */
export function setProblem(name: string, set: ContainerImageSet | undefined): Problem | undefined {
  if (set === undefined) {
    return problem(
      'ImageSetNotFound',
      `image set ${name} does not exist: create it, or correct the name in the overcloud`,
    );
  }
  if (!isResolved(set)) return notResolved(name, 'is not resolved yet', set);
  const verified = conditionOf(set, 'Verified');
  if (verified?.status !== 'False') return undefined;
  return problem('ImageNotVerified', `image set ${name}: ${verified.message}`);
}

/** In the set's own words, where it has any to say about the spec that it has now. */
export function notResolved(name: string, what: string, set: ContainerImageSet | undefined): Problem {
  const current = set?.status?.observedGeneration === set?.metadata.generation;
  const ready = set === undefined || !current ? undefined : conditionOf(set, 'Ready');
  const stalled = set !== undefined && current && conditionOf(set, 'Stalled')?.status === 'True';
  const why = ready?.status === 'False' ? ready.message : `image set ${name} ${what}`;
  return { reason: 'ImageNotResolved', message: why, needsPerson: stalled };
}

/** The registries that `images` are pulled from, with the settings of the set that names them. */
export function registriesOf(
  images: readonly RevisionImage[],
  sets: readonly ContainerImageSet[],
): readonly RevisionRegistry[] {
  const hosts = new Set(images.map(({ repository }) => repository.split('/')[0] ?? ''));
  const known = new Map<string, RevisionRegistry>();
  for (const { spec } of sets) {
    for (const place of [spec.destination ?? spec.source, spec.source]) {
      if (!hosts.has(place.registry) || known.has(place.registry)) continue;
      const login = loginOf(place);
      known.set(place.registry, {
        host: place.registry,
        insecure: place.insecure,
        ...(place.caName === undefined ? {} : { caName: place.caName }),
        ...(login === '' ? {} : { credentialsName: login }),
      });
    }
  }
  return [...known.values()].sort((a, b) => (a.host < b.host ? -1 : 1));
}

/** The login that hosts pull with: the set's own may write to a destination. */
const loginOf = (
  place: Pick<ContainerImageSetSpecDestination, 'credentialsName' | 'pullCredentialsName'>,
): string => place.pullCredentialsName ?? place.credentialsName ?? '';
