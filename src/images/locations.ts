// Where all images of a set are, and which of them cannot be told or would get into each other's way. Pure.
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import { asOperatorError, terminal, type OperatorError } from '../kernel/errors.ts';
import { parametersOf, type Catalog } from './catalog.ts';
import type { Located } from './picture.ts';
import { isOneRegistry, locate, type WantedImage } from './resolve.ts';

/** As many as status.resolved holds. */
const mostImages = 200;

/** In the order of `names`. Throws terminal TooManyImages. */
export function locateAll(
  set: ContainerImageSet,
  catalog: Catalog | undefined,
  names: readonly string[],
): readonly Located[] {
  if (names.length > mostImages) {
    throw terminal(
      'TooManyImages',
      `it would have ${names.length} images, and a set holds ${mostImages}: leave some out by spec.excludes, or make two sets of it`,
    );
  }
  const located = names.map((name) => locatedAs(set, catalog, name));
  const wantedImages = located.flatMap(({ wanted }) => wanted ?? []);
  const owners = firstBy(wantedImages, ({ target }) => target.path);
  const sources = isOneRegistry(set.spec)
    ? firstBy(wantedImages, ({ source }) => source.path)
    : new Map<string, WantedImage>();
  return located.map((one) => {
    const clash = clashOf(one.wanted, owners, sources);
    return clash === undefined ? one : { ...one, wanted: undefined, error: clash };
  });
}

function locatedAs(set: ContainerImageSet, catalog: Catalog | undefined, name: string): Located {
  const parameters = parametersOf(catalog, name);
  try {
    return { name, parameters, wanted: locate(set.spec, catalog, name), error: undefined };
  } catch (thrown) {
    return { name, parameters, wanted: undefined, error: asOperatorError(thrown) };
  }
}

function firstBy(
  images: readonly WantedImage[],
  pathOf: (image: WantedImage) => string,
): ReadonlyMap<string, WantedImage> {
  return new Map(images.toReversed().map((image) => [pathOf(image), image]));
}

/** What is pushed to one place with another image, or to where another one comes from, would overwrite its tags. */
function clashOf(
  wanted: WantedImage | undefined,
  owners: ReadonlyMap<string, WantedImage>,
  sources: ReadonlyMap<string, WantedImage>,
): OperatorError | undefined {
  if (wanted === undefined) return undefined;
  const other = sources.get(wanted.target.path);
  if (other !== undefined) return overwrites(wanted, other);
  const owner = owners.get(wanted.target.path);
  if (owner === undefined || owner.source.path === wanted.source.path) return undefined;
  return terminal(
    'PlaceShared',
    `images ${owner.name} and ${wanted.name} come from two places (${owner.source.path}, ${wanted.source.path}) and would both be ${wanted.target.repository}: give one of them another name or namespace in spec.overrides`,
  );
}

function overwrites({ name, target }: WantedImage, other: WantedImage): OperatorError {
  const what = name === other.name ? 'it' : `image ${other.name}`;
  return terminal(
    'DestinationIsSource',
    `image ${name} would be pushed to ${target.repository}, where ${what} comes from, and overwrite what is newer there: give spec.destination another registry, namespace, prefix or suffix (what spec.overrides says counts at both ends)`,
  );
}
