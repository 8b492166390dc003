// Which clouds an event concerns.
import { canonicalJson } from '../api/canonical.ts';
import { bareMetalNodes, type BareMetalNode } from '../api/baremetalnode.gen.ts';
import { containerImageSets } from '../api/containerimageset.gen.ts';
import { hosts, type Host } from '../api/host.gen.ts';
import { finalizers, objectLabels } from '../api/names.ts';
import { overclouds, type Overcloud } from '../api/overcloud.gen.ts';
import { overcloudServices } from '../api/overcloudservice.gen.ts';
import { roles } from '../api/role.gen.ts';
import type { Watch } from '../kernel/controller.ts';
import type { Cache } from '../kube/client.ts';
import {
  configMaps,
  controllerRevisions,
  keyOf,
  type ConfigMap,
  type ControllerRevision,
  type KubeObject,
  type ObjectKey,
  type Resource,
} from '../kube/objects.ts';
import { isFailing } from './claimable.ts';
import { imageSetsOf, rolesOf, servicesOf, templatesOf, valueMapsOf } from './references.ts';

export function overcloudWatches(cache: Cache): readonly Watch[] {
  const inNamespace = (object: KubeObject) => cache.store(overclouds).list(object.metadata.namespace);
  const clouds = (object: KubeObject, concerned: (cloud: Overcloud) => boolean): readonly ObjectKey[] =>
    inNamespace(object).filter(concerned).map(keyOf);
  const roleIn =
    ({ metadata: { namespace } }: KubeObject) =>
    (name: string) =>
      cache.store(roles).get({ namespace, name });

  return [
    watch(overclouds, (object) => [keyOf(object)]),
    watch<Host>(hosts, ({ metadata, spec }) => [{ namespace: metadata.namespace, name: spec.overcloudName }]),
    watch<BareMetalNode>(bareMetalNodes, (node) => clouds(node, () => true), claimView),
    watch(roles, (role) =>
      orphaned(
        role,
        clouds(role, (cloud) => rolesOf(cloud).includes(role.metadata.name)),
      ),
    ),
    watch(overcloudServices, (service) =>
      orphaned(
        service,
        clouds(service, (cloud) => servicesOf(cloud, roleIn(cloud)).includes(service.metadata.name)),
      ),
    ),
    watch(containerImageSets, (set) =>
      orphaned(
        set,
        clouds(set, (cloud) => imageSetsOf(cloud).includes(set.metadata.name)),
      ),
    ),
    watch<ConfigMap>(configMaps, (map) => clouds(map, (cloud) => usesConfigMap(cache, cloud, map))),
    watch<ControllerRevision>(controllerRevisions, cloudOfLabel),
  ];
}

/** Before and after count: a reference that was taken away concerns its cloud too. `view` is what of the object matters. */
function watch<T extends KubeObject>(
  resource: Resource<T>,
  keys: (object: T) => readonly ObjectKey[],
  view?: (object: T) => unknown,
): Watch {
  return {
    resource,
    keys(before: T | undefined, after: T | undefined) {
      if (view !== undefined && before !== undefined && after !== undefined) {
        if (canonicalJson(view(before)) === canonicalJson(view(after))) return [];
      }
      return [before, after].flatMap((object) => (object === undefined ? [] : keys(object)));
    },
  };
}

/** What allocation and addressing read of a node; its power and inventory change all the time. */
const claimView = ({ metadata, spec, status }: BareMetalNode): unknown => [
  metadata.deletionTimestamp,
  [spec.profile, spec.consumerRef, spec.maintenance, spec.paused, spec.address, spec.sshPort],
  [spec.externallyProvisioned, spec.ramdiskNetwork?.address],
  [status?.state, status?.hostRef, status?.retainedFrom, status?.profile, status?.refused],
  isFailing(status),
];

/**
 * What is marked as used though no cloud names it would never go away: a reconcile of any key in its namespace frees it, so
 * one is made up where there is none.
 */
function orphaned(object: KubeObject, keys: readonly ObjectKey[]): readonly ObjectKey[] {
  if (keys.length > 0 || !(object.metadata.finalizers ?? []).includes(finalizers.inUse)) return keys;
  return [keyOf(object)];
}

function usesConfigMap(cache: Cache, cloud: Overcloud, map: ConfigMap): boolean {
  const { namespace, name } = map.metadata;
  if (map.metadata.labels?.[objectLabels.overcloud] === cloud.metadata.name) return true;
  if (valueMapsOf(cloud).includes(name)) return true;
  return servicesOf(cloud, (role) => cache.store(roles).get({ namespace, name: role }))
    .flatMap((service) => cache.store(overcloudServices).get({ namespace, name: service }) ?? [])
    .some(({ spec }) => templatesOf(spec).some((template) => template.name === name));
}

function cloudOfLabel({ metadata }: KubeObject): readonly ObjectKey[] {
  const name = metadata.labels?.[objectLabels.overcloud];
  return name === undefined ? [] : [{ namespace: metadata.namespace, name }];
}
