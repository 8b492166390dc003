// Which objects a set depends on: clouds, their roles and services, and the ConfigMaps that its spec names.
import { containerImageSets, type ContainerImageSet } from '../api/containerimageset.gen.ts';
import { overclouds, type Overcloud } from '../api/overcloud.gen.ts';
import { overcloudServices } from '../api/overcloudservice.gen.ts';
import { roles } from '../api/role.gen.ts';
import type { Watch } from '../kernel/controller.ts';
import type { Cache } from '../kube/client.ts';
import {
  configMaps,
  keyOf,
  type ConfigMap,
  type KubeObject,
  type ObjectKey,
  type Resource,
} from '../kube/objects.ts';
import { setsOf, type Clouds } from './needed.ts';
import { setPinnedBy } from './pins.ts';

export function cloudsIn(cache: Cache, namespace: string): Clouds {
  return {
    overclouds: cache.store(overclouds).list(namespace),
    role: (name) => cache.store(roles).get({ namespace, name })?.spec,
    service: (name) => cache.store(overcloudServices).get({ namespace, name })?.spec,
  };
}

/** Names of the Overclouds that take images from the set. */
export const usersOf = ({ metadata }: ContainerImageSet, cache: Cache): readonly string[] =>
  cache
    .store(overclouds)
    .list(metadata.namespace)
    .filter((cloud) => setsOf(cloud).includes(metadata.name))
    .map((cloud) => cloud.metadata.name);

export function watchesOf(cache: Cache): readonly Watch[] {
  const setsIn = (namespace: string | undefined) => cache.store(containerImageSets).list(namespace);
  /** Which of them it concerns shows when they are reconciled; that costs nothing when nothing is missing. */
  const allSets = ([object]: readonly KubeObject[]) => setsIn(object?.metadata.namespace).map(keyOf);
  const setsOfClouds = (versions: readonly Overcloud[]) =>
    versions.flatMap((cloud) => setsOf(cloud).map((name) => ({ namespace: cloud.metadata.namespace, name })));
  const namedBy = ([configMap]: readonly ConfigMap[]) =>
    setsIn(configMap?.metadata.namespace)
      .filter(
        (set) =>
          configMapsOf(set).includes(configMap?.metadata.name) || pinned(configMap) === set.metadata.name,
      )
      .map(keyOf);
  const onConfigMaps: Watch<ConfigMap> = {
    resource: configMaps,
    keys: (before, after) => namedBy(versionsOf(before, after)),
  };
  return [
    { resource: containerImageSets, keys: (before, after) => versionsOf(before, after).slice(-1).map(keyOf) },
    onSpec(overclouds, setsOfClouds),
    onSpec(roles, allSets),
    onSpec(overcloudServices, allSets),
    onConfigMaps,
  ];
}

/** Its pins: somebody may mend, change or delete them. */
const pinned = (configMap: ConfigMap | undefined): string | undefined =>
  configMap === undefined ? undefined : setPinnedBy(configMap.metadata.name);

const configMapsOf = ({ spec }: ContainerImageSet): readonly (string | undefined)[] => [
  spec.catalogName,
  spec.verify?.cosign.keyName,
];

/** Only specs count: the status of an Overcloud changes all the time while it is being deployed. */
const onSpec = <T extends KubeObject>(
  resource: Resource<T>,
  keys: (versions: readonly T[]) => readonly ObjectKey[],
): Watch<T> => ({
  resource,
  keys: (before, after) => {
    const same = before !== undefined && before.metadata.generation === after?.metadata.generation;
    return same ? [] : keys(versionsOf(before, after));
  },
});

const versionsOf = <T>(before: T | undefined, after: T | undefined): readonly T[] =>
  [before, after].filter((version) => version !== undefined);
