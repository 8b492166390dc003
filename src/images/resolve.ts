// Where an image of a set is: name → repository at the source, repository at the destination, and how its tag is told. Pure.
import type { ContainerImageSetSpec } from '../api/containerimageset.gen.ts';
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

/** A repository's path and a tag, as the OCI distribution specification has them: no `..`, no `//`, no upper case. */
const pathPattern = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Throws terminal ReferenceInvalid. */
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
  if (tagPattern.test(tag)) return tag;
  const shown = JSON.stringify(tag.slice(0, 60)).toWellFormed();
  throw terminal(
    'TagInvalid',
    `image ${name} would have the tag ${shown}, which is none: correct spec.tag, spec.tagFromLabel, spec.tagPattern or spec.overrides`,
  );
}

/** What to say when a registry does not have it. */
export function notFound(spec: ContainerImageSetSpec, place: Place, tag: string): OperatorError {
  const host = place.repository.slice(0, -place.path.length - 1);
  const where = host === spec.source.registry ? 'registry' : "the set's destination";
  return terminal(
    'ImageNotFound',
    `${place.path}:${tag} is not in ${where} ${host}: push it there, or correct the set's tag or spec.overrides`,
  );
}

function placeFor(spec: ContainerImageSetSpec, side: Side, rule: ImageRule, name: string): Place {
  const { namespace, prefix, repository, suffix } = rule;
  const path = [namespace, `${prefix}${repository}${suffix}`].filter((part) => part !== '').join('/');
  if (!pathPattern.test(path)) {
    throw terminal(
      'ReferenceInvalid',
      `image ${name} would be ${path}, which is no repository's name: correct namespace, prefix and suffix in spec.${side}, spec.overrides or the catalog`,
    );
  }
  return { repository: `${hostOf(spec, side)}/${path}`, path };
}
