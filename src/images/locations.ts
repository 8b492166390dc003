// Where all images of a set are, and which of them cannot be told or would get into each other's way. Pure.
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import { asOperatorError, terminal, type OperatorError } from '../kernel/errors.ts';
import { parametersOf, type Catalog } from './catalog.ts';
import type { Located } from './picture.ts';
import { locate, type WantedImage } from './resolve.ts';

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
  const owners = new Map<string, WantedImage>();
  for (const { wanted } of located) {
    if (wanted !== undefined && !owners.has(wanted.target.path)) owners.set(wanted.target.path, wanted);
  }
  return located.map((one) => {
    const clash = clashOf(one.wanted, owners);
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

/** Two images that are pushed to one place would overwrite each other's tags. */
function clashOf(
  wanted: WantedImage | undefined,
  owners: ReadonlyMap<string, WantedImage>,
): OperatorError | undefined {
  const owner = wanted === undefined ? undefined : owners.get(wanted.target.path);
  if (wanted === undefined || owner === undefined || owner.source.path === wanted.source.path)
    return undefined;
  return terminal(
    'PlaceShared',
    `images ${owner.name} and ${wanted.name} come from two places (${owner.source.path}, ${wanted.source.path}) and would both be ${wanted.target.repository}: give one of them another name or namespace in spec.overrides`,
  );
}
