// What a service and a cloud refer to by name: images, ConfigMap keys, Secret keys, roles, services, image sets.
import type { Overcloud } from '../api/overcloud.gen.ts';
import type { OvercloudServiceSpec } from '../api/overcloudservice.gen.ts';
import type { Role } from '../api/role.gen.ts';

/** A key in a ConfigMap or Secret. */
export interface KeyReference {
  readonly name: string;
  readonly key: string;
}

/** The names by which the service asks an image set for images. */
export const imagesOf = (spec: OvercloudServiceSpec): readonly string[] =>
  unique([
    ...(spec.containers ?? []).map(({ image }) => image),
    ...(spec.jobs ?? []).flatMap(({ image }) => image ?? []),
    ...(spec.bundles ?? []).map(({ image }) => image),
  ]);

/** The ConfigMap keys that the service's files are made from. */
export const templatesOf = (spec: OvercloudServiceSpec): readonly KeyReference[] =>
  sourcesOf(spec).flatMap(({ configMap, key }) =>
    configMap === undefined || key === undefined ? [] : [{ name: configMap, key }],
  );

/** The Secret keys that go into the service's files and environments. */
export function secretKeysOf(spec: OvercloudServiceSpec): readonly KeyReference[] {
  const { beforeUpdate = [], afterUpdate = [], drain = [] } = spec.hooks ?? {};
  const files = sourcesOf(spec).flatMap(({ secret, key }) =>
    secret === undefined || key === undefined ? [] : [{ name: secret, key }],
  );
  const environments = [
    ...(spec.containers ?? []),
    ...(spec.jobs ?? []),
    ...beforeUpdate,
    ...afterUpdate,
    ...drain,
  ]
    .flatMap(({ environmentFrom = [] }) => environmentFrom)
    .flatMap(({ secret, keys }) => Object.values(keys).map((key) => ({ name: secret, key })));
  return [...files, ...environments];
}

const sourcesOf = (spec: OvercloudServiceSpec) =>
  [...(spec.configFiles ?? []), ...(spec.units ?? [])].flatMap(({ from }) => from ?? []);

/** The ConfigMaps and Secrets with values for the cloud's templates, in the order in which they count. */
export const valueMapsOf = ({ spec }: Overcloud): readonly string[] =>
  (spec.values ?? []).flatMap(({ configMap }) => configMap ?? []);
export const valueSecretsOf = ({ spec }: Overcloud): readonly string[] =>
  (spec.values ?? []).flatMap(({ secret }) => secret ?? []);

export const rolesOf = ({ spec }: Overcloud): readonly string[] => spec.roles.map(({ role }) => role);

/** Every image set that the cloud, one of its roles or one of its hosts names. */
export const imageSetsOf = ({ spec }: Overcloud): readonly string[] =>
  unique([
    spec.imageSetName,
    ...(spec.prePull?.imageSetNames ?? []),
    ...spec.roles
      .flatMap(({ images = [], hosts = [] }) => [...images, ...hosts.flatMap((host) => host.images ?? [])])
      .map(({ imageSetName }) => imageSetName),
  ]);

/** The services of the cloud's roles, as far as the roles are there. */
export const servicesOf = (
  overcloud: Overcloud,
  role: (name: string) => Role | undefined,
): readonly string[] => unique(rolesOf(overcloud).flatMap((name) => role(name)?.spec.services ?? []));

export const unique = <T>(items: readonly T[]): readonly T[] => [...new Set(items)];
