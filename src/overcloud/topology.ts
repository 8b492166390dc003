// The facts of the cloud that hosts need about each other, kept in the ConfigMap `<overcloud>-topology`.
import { canonicalJson } from '../api/canonical.ts';
import type { HostSpecAddressesItem } from '../api/host.gen.ts';
import type { Overcloud } from '../api/overcloud.gen.ts';
import type { Role } from '../api/role.gen.ts';
import { topologyKey, topologyName, type Topology } from '../api/topology.ts';
import type { KubeClient } from '../kube/client.ts';
import { configMaps, type ConfigMap, type Manifest } from '../kube/objects.ts';
import type { Member } from './allocation.ts';
import { fieldManager, metadataFor } from './host-object.ts';

export function buildTopology(
  overcloud: Overcloud,
  roles: ReadonlyMap<string, Role>,
  members: readonly Member[],
  addresses: ReadonlyMap<string, readonly HostSpecAddressesItem[]>,
): Topology {
  return {
    overcloud: overcloud.metadata.name,
    namespace: overcloud.metadata.namespace,
    domain: overcloud.spec.domain,
    hosts: members.map(({ name, role, index }) => ({
      name,
      role,
      index,
      addresses: Object.fromEntries(
        (addresses.get(name) ?? []).map(({ network, address }) => [network, address]),
      ),
      services: roles.get(role)?.spec.services ?? [],
    })),
    vips: (overcloud.spec.networks ?? []).flatMap(({ name: network, vips = [] }) =>
      vips.map(({ name, address }) => ({ network, name, address })),
    ),
  };
}

const textOf = (topology: Topology): string => canonicalJson(topology);

export const topologyDiffers = (present: ConfigMap | undefined, topology: Topology): boolean =>
  present?.data?.[topologyKey] !== textOf(topology);

export async function writeTopology(
  client: KubeClient,
  overcloud: Overcloud,
  topology: Topology,
  signal: AbortSignal,
): Promise<void> {
  const manifest: Manifest<ConfigMap> = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadataFor(overcloud, topologyName(overcloud.metadata.name)),
    data: { [topologyKey]: textOf(topology) },
  };
  await client.apply(configMaps, manifest, fieldManager, signal);
}
