// A set as TripleO's environment file: every parameter with the image it names. Pure.
// Its form is that of openstack overcloud container image prepare --output-env-file.
import { dump } from 'js-yaml';
import type {
  ContainerImageSet,
  ContainerImageSetStatusResolvedImagesItem,
} from '../../api/containerimageset.gen.ts';

type Image = ContainerImageSetStatusResolvedImagesItem;

export const prefixes = ['Docker', 'Container'] as const;
export type Prefix = (typeof prefixes)[number];

export interface ParameterFile {
  readonly text: string;
  /** Images that no catalog has parameters for: theirs are made of their names. */
  readonly derived: readonly string[];
}

/** `prefix`: put in the place of the one that parameters have; undefined: they stay as they are. */
export function parameterFile(
  { spec }: ContainerImageSet,
  images: readonly Image[],
  prefix: Prefix | undefined,
): ParameterFile {
  const usual = prefix ?? usualPrefix(images);
  const entries = images.flatMap((image) => {
    const parameters = image.parameters ?? [derive(image.name, usual)];
    return parameters.map((parameter) => [withPrefix(parameter, prefix), image.reference] as const);
  });
  const { registry, insecure } = spec.destination ?? spec.source;
  const defaults = Object.fromEntries<unknown>([
    ...entries,
    // Called so in every release.
    ...(insecure ? [['DockerInsecureRegistryAddress', [registry]] as const] : []),
  ]);
  const sorted = Object.fromEntries(
    Object.entries(defaults).sort(([one], [other]) => (one < other ? -1 : 1)),
  );
  const derived = images.filter(({ parameters }) => parameters === undefined).map(({ name }) => name);
  return { text: dump({ parameter_defaults: sorted }, { lineWidth: -1, seqNoIndent: true }), derived };
}

/** As the catalog's parameters begin; up to Rocky they began with Docker. */
function usualPrefix(images: readonly Image[]): Prefix {
  const parameters = images.flatMap((image) => image.parameters ?? []);
  return parameters.some((parameter) => parameter.startsWith('Docker')) ? 'Docker' : 'Container';
}

const withPrefix = (parameter: string, prefix: Prefix | undefined): string =>
  prefix === undefined ? parameter : parameter.replace(/^(Docker|Container)/, prefix);

/** nova-api: ContainerNovaApiImage. */
function derive(name: string, prefix: Prefix): string {
  const words = name.split(/[^a-z0-9]+/).filter((word) => word !== '');
  const camel = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return `${prefix}${camel.replace(/^Haproxy/, 'HAProxy')}Image`;
}
