// Where an image of a set is: name → registry, repository and tag, by source or destination, prefix and overrides. Pure.
import type { ContainerImageSetSpec } from '../api/containerimageset.gen.ts';
import { terminal, type OperatorError } from '../kernel/errors.ts';

export interface ImageLocation {
  /** As services use it. */
  readonly name: string;
  /** `registry[:port]/path`, where hosts pull it from. */
  readonly repository: string;
  /** The path alone, as the registry knows it. */
  readonly path: string;
  readonly tag: string;
  /** `repository:tag`, as people read it. */
  readonly reference: string;
}

/** How a set reaches the registry that its hosts pull from: the destination, where there is one. */
export interface RegistryOfSet {
  /** For messages: the field of spec that says all this. */
  readonly field: 'spec.source' | 'spec.destination';
  readonly registry: string;
  readonly insecure: boolean;
  readonly caName?: string;
  readonly credentialsName?: string;
}

export const registryOf = ({ source, destination }: ContainerImageSetSpec): RegistryOfSet =>
  destination === undefined
    ? { ...source, field: 'spec.source' }
    : { ...destination, field: 'spec.destination' };

/** A repository's path and a tag, as the OCI distribution specification has them: no `..`, no `//`, no upper case. */
const pathPattern = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Throws terminal ReferenceInvalid or TagDiscoveryUnavailable. */
export function locate(spec: ContainerImageSetSpec, name: string): ImageLocation {
  const { registry } = registryOf(spec);
  return at(spec, registry, pathOf(spec, name, spec.destination ?? {}), name);
}

/** What to say when the registry does not have it. */
export function notFound(spec: ContainerImageSetSpec, image: ImageLocation): OperatorError {
  const { registry } = registryOf(spec);
  const missing = `${image.path}:${image.tag} is not in registry ${registry}`;
  if (spec.destination === undefined) {
    return terminal('ImageNotFound', `${missing}: push it there, or correct spec.tag or spec.overrides`);
  }
  const source = at(spec, spec.source.registry, pathOf(spec, image.name, {}), image.name).reference;
  return terminal(
    'ImageNotFound',
    `${missing}, the set's destination: copy it there from ${source}, or correct spec.tag or spec.overrides`,
  );
}

interface Place {
  readonly namespace?: string;
  readonly prefix?: string;
}

function pathOf(spec: ContainerImageSetSpec, name: string, place: Place): string {
  const override = overrideOf(spec, name);
  const namespace = override?.namespace ?? place.namespace ?? spec.source.namespace;
  const prefix = override?.prefix ?? place.prefix ?? spec.source.prefix;
  return [namespace, `${prefix}${override?.name ?? name}`].filter((part) => part !== '').join('/');
}

function at(spec: ContainerImageSetSpec, registry: string, path: string, name: string): ImageLocation {
  if (!pathPattern.test(path)) {
    throw terminal(
      'ReferenceInvalid',
      `image ${name} would be ${path}, which is no repository's name: correct namespace and prefix in ${registryOf(spec).field} or spec.overrides`,
    );
  }
  const tag = overrideOf(spec, name)?.tag ?? spec.tag;
  if (tag === undefined) {
    throw terminal(
      'TagDiscoveryUnavailable',
      'this release finds no tags by spec.tagFromLabel: give spec.tag in its place',
    );
  }
  if (!tagPattern.test(tag)) {
    throw terminal('ReferenceInvalid', `image ${name} has no valid tag: correct spec.tag or spec.overrides`);
  }
  const repository = `${registry}/${path}`;
  return { name, repository, path, tag, reference: `${repository}:${tag}` };
}

const overrideOf = ({ overrides = [] }: ContainerImageSetSpec, name: string) =>
  overrides.find(({ image }) => image === name);
