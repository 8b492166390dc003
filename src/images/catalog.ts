// A catalog of images: what a set's images are called in registries, which services need them and which parameters name them. Pure.
import type { ContainerImageSetSpec } from '../api/containerimageset.gen.ts';
import { terminal } from '../kernel/errors.ts';
import type { Side } from './access.ts';

/** What a registry calls an image; what is left out is as the set has it. */
export interface Naming {
  readonly namespace?: string;
  readonly prefix?: string;
  readonly repository?: string;
  readonly suffix?: string;
  readonly tag?: string;
}

/** What is otherwise while spec.variants has all of `when`. */
export interface CatalogVariant extends Naming {
  /** A Map, because a key may be `constructor`. */
  readonly when: ReadonlyMap<string, string>;
  /** False: its services do not need it. */
  readonly needed?: boolean;
}

export interface CatalogImage extends Naming {
  /** As services call it. */
  readonly name: string;
  /** Needed when a role with hosts has one of these. */
  readonly services: readonly string[];
  /** What TripleO's environment files call it. */
  readonly parameters: readonly string[];
  /** The first that applies counts. */
  readonly variants: readonly CatalogVariant[];
}

/** By the names that services use. */
export type Catalog = ReadonlyMap<string, CatalogImage>;

/** How an image's tag is told. */
export type TagRule =
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'label'; readonly format: string; readonly inspectTag: string; readonly image?: string }
  | { readonly kind: 'pattern'; readonly pattern: string };

/** What an image is called in a registry: `namespace/` (unless that is empty), `prefix` + `repository` + `suffix`. */
export interface ImageRule {
  readonly namespace: string;
  readonly prefix: string;
  readonly repository: string;
  readonly suffix: string;
  readonly tag: TagRule;
}

type Variants = Pick<ContainerImageSetSpec, 'variants'>;

/**
 * What an image is called at one side of a set. The first of these that says something counts, field by field: the image's override,
 * for the destination what that says of all images, the catalog's variant, the catalog's image, the source. Nothing is checked. Throws
 * terminal TagMissing when nothing says how the tag is told, which the API server refuses.
 */
export function ruleOf(
  spec: ContainerImageSetSpec,
  catalog: Catalog | undefined,
  name: string,
  side: Side = 'source',
): ImageRule {
  const { source, destination = {} } = spec;
  const override = spec.overrides?.find(({ image }) => image === name);
  const listed = listedAs(spec, catalog?.get(name));
  const end = side === 'destination' ? destination : {};
  const { namespace, prefix, suffix } = { ...source, ...pathIn(listed), ...pathIn(end), ...pathIn(override) };
  const tag = tagRuleOf(override) ?? tagRuleOf(listed) ?? tagRuleOf(spec);
  if (tag === undefined) {
    throw terminal(
      'TagMissing',
      `image ${name} has no tag: give spec.tag, spec.tagFromLabel or spec.tagPattern`,
    );
  }
  return { namespace, prefix, repository: override?.name ?? listed?.repository ?? name, suffix, tag };
}

/** The images that these services need by the catalog. */
export const imagesFor = (
  spec: Variants,
  catalog: Catalog,
  services: ReadonlySet<string>,
): readonly string[] =>
  [...catalog.values()]
    .filter((image) => image.services.some((service) => services.has(service)))
    .filter((image) => variantOf(spec, image)?.needed !== false)
    .map(({ name }) => name);

/** What TripleO's environment files call an image. */
export const parametersOf = (catalog: Catalog | undefined, name: string): readonly string[] =>
  catalog?.get(name)?.parameters ?? [];

/** What spec.variants asks for and no image of the catalog knows, each a sentence for people. */
export function unknownVariants(
  { variants = {} }: Variants,
  catalog: Catalog | undefined,
): readonly string[] {
  const all = [...(catalog?.values() ?? [])].flatMap((image) => image.variants.map(({ when }) => when));
  return Object.entries(variants).flatMap(([key, value]) => {
    if (catalog === undefined) return [`spec.variants.${key} has no effect without spec.catalogName`];
    const known = [...new Set(all.flatMap((when) => when.get(key) ?? []))].sort();
    if (known.includes(value)) return [];
    const there = known.length === 0 ? 'nothing for that key' : `only ${known.slice(0, 10).join(', ')}`;
    return [`spec.variants.${key} is ${value}, for which the catalog has no image: it knows ${there}`];
  });
}

const listedAs = (spec: Variants, image: CatalogImage | undefined): Naming | undefined =>
  image === undefined ? undefined : { ...image, ...variantOf(spec, image) };

const variantOf = ({ variants = {} }: Variants, image: CatalogImage): CatalogVariant | undefined =>
  image.variants.find(({ when }) => [...when].every(([key, value]) => variants[key] === value));

type Path = Pick<Naming, 'namespace' | 'prefix' | 'suffix'>;

const pathIn = ({ namespace, prefix, suffix }: Path = {}): Path => ({
  ...(namespace === undefined ? {} : { namespace }),
  ...(prefix === undefined ? {} : { prefix }),
  ...(suffix === undefined ? {} : { suffix }),
});

function tagRuleOf(
  of: Pick<ContainerImageSetSpec, 'tag' | 'tagFromLabel' | 'tagPattern'> | undefined,
): TagRule | undefined {
  const { tag, tagFromLabel, tagPattern } = of ?? {};
  if (tag !== undefined) return { kind: 'tag', tag };
  if (tagFromLabel !== undefined) return { kind: 'label', ...tagFromLabel };
  return tagPattern === undefined ? undefined : { kind: 'pattern', pattern: tagPattern };
}
