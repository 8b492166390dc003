// Where an image of a set is: name → repository at the source, repository at the destination, and how its tag is told. Pure.
import type { ContainerImageSetSpec } from '../api/containerimageset.gen.ts';
import { isRepositoryPath, isTag } from '../api/reference.ts';
import { terminal, type OperatorError } from '../kernel/errors.ts';
import { hostOf, targetSide, type Side } from './access.ts';
import { ruleOf, type Catalog, type ImageRule, type TagRule } from './catalog.ts';

export interface Place {
  /** `registry[:port]/path`, as it stands in references. */
  readonly repository: string;
  /** The path alone, as the registry knows it. */
  readonly path: string;
}

export interface WantedImage {
  /** As services use it. */
  readonly name: string;
  readonly rule: TagRule;
  readonly source: Place;
  /** Where hosts pull it from: the destination, or the source where there is none. */
  readonly target: Place;
}

/** Throws terminal ReferenceInvalid and TagInvalid. */
export function locate(spec: ContainerImageSetSpec, catalog: Catalog | undefined, name: string): WantedImage {
  const atSource = ruleOf(spec, catalog, name, 'source');
  const side = targetSide(spec);
  const atTarget = side === 'source' ? atSource : ruleOf(spec, catalog, name, side);
  if (atSource.tag.kind === 'tag') legalTag(atSource.tag.tag, name);
  return {
    name,
    rule: atSource.tag,
    source: placeFor(spec, 'source', atSource, name),
    target: placeFor(spec, side, atTarget, name),
  };
}

/** Whether what is copied stays in one registry, where it could overwrite what it comes from. */
export const isOneRegistry = ({ source, destination }: ContainerImageSetSpec): boolean =>
  destination !== undefined && addressOf(source) === addressOf(destination);

/** Names in DNS know no case, and a port that goes without saying may be said. */
function addressOf({
  registry,
  insecure,
}: {
  readonly registry: string;
  readonly insecure: boolean;
}): string {
  const address = registry.toLowerCase().replace(insecure ? /:(80|443)$/ : /:443$/, '');
  return dockerHub.has(address) ? 'docker.io' : address;
}

const dockerHub: ReadonlySet<string> = new Set(['index.docker.io', 'registry-1.docker.io']);

export const placeOn = (image: WantedImage, side: Side): Place =>
  side === 'source' ? image.source : image.target;

/** With another of these an image is looked for anew: where it comes from, and how its tag is told. */
export const identityOf = ({ source, rule }: WantedImage): string => `${source.repository} ${textOf(rule)}`;

function textOf(rule: TagRule): string {
  switch (rule.kind) {
    case 'tag':
      return `tag ${rule.tag}`;
    case 'label':
      return `label ${rule.format} of ${rule.image ?? 'its own'}:${rule.inspectTag}`;
    case 'pattern':
      return `pattern ${rule.pattern}`;
  }
}

/** What people read where the tag is not known yet. */
export const referenceOf = ({ source, rule }: WantedImage): string =>
  rule.kind === 'tag' ? `${source.repository}:${rule.tag}` : source.repository;

/** A tag may come from a label that somebody else wrote. Throws terminal TagInvalid. */
export function legalTag(tag: string, name: string): string {
  if (isTag(tag)) return tag;
  const shown = JSON.stringify(tag.slice(0, 60)).toWellFormed();
  throw terminal(
    'TagInvalid',
    `image ${name} would have the tag ${shown}, which is none: correct spec.tag, spec.tagFromLabel, spec.tagPattern or spec.overrides`,
  );
}

/** What to say when a registry does not have `what` (`path:tag`, or the path alone); `remedy` is what a person can do. */
export function notFound(
  spec: ContainerImageSetSpec,
  place: Place,
  what: string,
  remedy: string,
): OperatorError {
  const host = place.repository.slice(0, -place.path.length - 1);
  const where = host === spec.source.registry ? 'registry' : "the set's destination";
  return terminal('ImageNotFound', `${what} is not in ${where} ${host}: ${remedy}`);
}

/** Where a tag that was told by `rule` is not there. */
export function remedyFor(rule: TagRule): string {
  switch (rule.kind) {
    case 'tag':
      return 'push it there, or correct spec.tag or spec.overrides';
    case 'label':
      return `the labels at ${rule.inspectTag} name that tag: push the image under it, or correct spec.tagFromLabel.format`;
    case 'pattern':
      return 'it was listed a moment ago: look at the registry';
  }
}

function placeFor(spec: ContainerImageSetSpec, side: Side, rule: ImageRule, name: string): Place {
  const { namespace, prefix, repository, suffix } = rule;
  const path = [namespace, `${prefix}${repository}${suffix}`].filter((part) => part !== '').join('/');
  if (!isRepositoryPath(path)) {
    throw terminal(
      'ReferenceInvalid',
      `image ${name} would be ${path}, which is no repository's name: correct namespace, prefix and suffix in spec.${side}, spec.overrides or the catalog`,
    );
  }
  return { repository: `${hostOf(spec, side)}/${path}`, path };
}
