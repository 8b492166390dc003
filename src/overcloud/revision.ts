// What a role should be, gathered from all that the user wrote: a revision's payload, or a sentence for everything that is
// missing. Pure: nothing is cut while something is missing, and the same input always gives the same payload.
import type { ContainerImageSet } from '../api/containerimageset.gen.ts';
import type { Overcloud } from '../api/overcloud.gen.ts';
import type { OvercloudService } from '../api/overcloudservice.gen.ts';
import type { RevisionPayload } from '../api/revision.ts';
import type { Role } from '../api/role.gen.ts';
import type { ConfigMap } from '../kube/objects.ts';
import { resolveImages, type ImageOverride } from './images.ts';
import { problem, type Problem } from './problem.ts';
import {
  imagesOf,
  secretKeysOf,
  templatesOf,
  unique,
  valueMapsOf,
  valueSecretsOf,
  type KeyReference,
} from './references.ts';

/** HMACs of a Secret's values by key. */
export type SecretDigests = Readonly<Record<string, string>>;

export interface RevisionSources {
  readonly overcloud: Overcloud;
  readonly roles: ReadonlyMap<string, Role>;
  readonly services: ReadonlyMap<string, OvercloudService>;
  readonly imageSets: ReadonlyMap<string, ContainerImageSet>;
  readonly configMap: (name: string) => ConfigMap | undefined;
  readonly secrets: ReadonlyMap<string, SecretDigests>;
}

/** `overrides`: images that a role or host takes from other sets; of two for one image the first counts. */
export function composeRevision(
  sources: RevisionSources,
  roleName: string,
  overrides: readonly ImageOverride[],
): RevisionPayload | readonly Problem[] {
  const { overcloud } = sources;
  const role = sources.roles.get(roleName);
  if (role === undefined) {
    const message = `role ${roleName} does not exist: create the Role (ocrole), or correct spec.roles of the overcloud`;
    return [problem('RoleNotFound', message)];
  }
  const problems: Problem[] = [];
  const services = role.spec.services.flatMap((name) => {
    const service = sources.services.get(name);
    if (service !== undefined) return [{ name, spec: service.spec }];
    problems.push(unknownService(roleName, name));
    return [];
  });
  const images = resolveImages({
    names: unique(services.flatMap(({ spec }) => imagesOf(spec))),
    defaultSet: overcloud.spec.imageSetName,
    overrides,
    sets: sources.imageSets,
  });
  const templates = templatesFor(sources, services, problems);
  const secrets = secretsFor(sources, services, problems);
  const values = valuesFor(sources, problems);
  if (!('images' in images)) return [...problems, ...images];
  if (problems.length > 0) return problems;
  return {
    overcloud: overcloud.metadata.name,
    role: roleName,
    engine: role.spec.engine.type,
    services,
    images: images.images,
    imagesTag: images.tag,
    registries: images.registries,
    templates,
    secrets,
    values,
  };
}

/** The Secrets that the cloud's revisions depend on. */
export function secretNamesOf(
  sources: Pick<RevisionSources, 'overcloud' | 'roles' | 'services'>,
): readonly string[] {
  const names = sources.overcloud.spec.roles
    .flatMap(({ role }) => sources.roles.get(role)?.spec.services ?? [])
    .flatMap((name) => sources.services.get(name) ?? [])
    .flatMap(({ spec }) => secretKeysOf(spec).map((reference) => reference.name));
  return unique([...names, ...valueSecretsOf(sources.overcloud)]).toSorted();
}

type Services = RevisionPayload['services'];

function templatesFor(
  sources: RevisionSources,
  services: Services,
  problems: Problem[],
): Record<string, string> {
  const templates: Record<string, string> = {};
  eachReference(services, templatesOf, (service, { name, key }) => {
    const configMap = sources.configMap(name);
    const content = configMap?.data?.[key];
    if (content !== undefined) templates[`${name}/${key}`] = content;
    else if (configMap === undefined) problems.push(notFound('ConfigMap', name, `service ${service}`));
    else problems.push(keyNotFound('ConfigMap', { name, key }, `service ${service}`));
  });
  return templates;
}

function secretsFor(
  sources: RevisionSources,
  services: Services,
  problems: Problem[],
): Record<string, string> {
  const secrets: Record<string, string> = {};
  eachReference(services, secretKeysOf, (service, { name, key }) => {
    const digests = sources.secrets.get(name);
    const digest = digests?.[key];
    if (digest !== undefined) secrets[`${name}/${key}`] = digest;
    else if (digests === undefined) problems.push(notFound('Secret', name, `service ${service}`));
    else problems.push(keyNotFound('Secret', { name, key }, `service ${service}`));
  });
  for (const name of valueSecretsOf(sources.overcloud)) {
    const digests = sources.secrets.get(name);
    if (digests === undefined) problems.push(notFound('Secret', name, 'spec.values'));
    for (const [key, digest] of Object.entries(digests ?? {})) secrets[`${name}/${key}`] = digest;
  }
  return secrets;
}

function valuesFor(sources: RevisionSources, problems: Problem[]): Record<string, string> {
  let values: Record<string, string> = {};
  for (const name of valueMapsOf(sources.overcloud)) {
    const configMap = sources.configMap(name);
    if (configMap === undefined) problems.push(notFound('ConfigMap', name, 'spec.values'));
    values = { ...values, ...configMap?.data };
  }
  return values;
}

/** Calls `visit` once for every key that the services refer to. */
function eachReference(
  services: Services,
  referencesOf: (spec: Services[number]['spec']) => readonly KeyReference[],
  visit: (service: string, reference: KeyReference) => void,
): void {
  const seen = new Set<string>();
  for (const { name: service, spec } of services) {
    for (const reference of referencesOf(spec)) {
      const id = `${reference.name}/${reference.key}`;
      if (!seen.has(id)) visit(service, reference);
      seen.add(id);
    }
  }
}

const unknownService = (role: string, service: string): Problem =>
  problem(
    'UnknownService',
    `role ${role} lists service ${service}, which does not exist: create the OvercloudService (ocsvc), or correct Role ${role}`,
  );

const notFound = (kind: 'ConfigMap' | 'Secret', name: string, user: string): Problem =>
  problem(
    `${kind}NotFound`,
    `${kind} ${name}, which ${user} uses, does not exist: create it, or correct the name`,
  );

const keyNotFound = (kind: 'ConfigMap' | 'Secret', { name, key }: KeyReference, user: string): Problem =>
  problem(
    `${kind}KeyNotFound`,
    `${kind} ${name} has no key ${key}, which ${user} uses: add it, or correct the key`,
  );
