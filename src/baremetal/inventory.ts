// A node's inventory for people: a bounded summary for status, all of it in a ConfigMap.
import type {
  BareMetalNode,
  BareMetalNodeStatus,
  BareMetalNodeStatusHardware,
} from '../api/baremetalnode.gen.ts';
import type { KubeClient } from '../kube/client.ts';
import { configMaps } from '../kube/objects.ts';
import type { Inventory } from './bmc/port.ts';

/** As many disks, and as many NICs, as a status lists. */
const mostListed = 50;
const longestText = 256;
const fieldManager = 'undercloud-baremetal';
const dataKey = 'inventory.json';

export const inventoryName = (node: BareMetalNode): string => `${node.metadata.name}-inventory`;

/** What of `inventory` goes into status. */
export function summaryOf(inventory: Inventory): Required<Pick<BareMetalNodeStatus, 'bmc' | 'hardware'>> {
  const { bmc, disks, nics, ...machine } = bounded(inventory);
  const left = [disks, nics].reduce((sum, list) => sum + Math.max(list.length - mostListed, 0), 0);
  const hardware: BareMetalNodeStatusHardware = {
    ...machine,
    ...(disks.length > 0 && { disks: disks.slice(0, mostListed) }),
    ...(nics.length > 0 && { nics: nics.slice(0, mostListed) }),
    ...(left > 0 && { truncated: left }),
  };
  return { bmc, hardware };
}

/** The same with every text cut to what the schema takes. */
const bounded = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value), (_name, part: unknown) =>
    typeof part === 'string' ? part.slice(0, longestText) : part,
  ) as T;

/** As writeNodeConfigMap, for the inventory. */
export const writeInventory = (
  client: KubeClient,
  node: BareMetalNode,
  inventory: Inventory,
  signal: AbortSignal,
): Promise<boolean> =>
  writeNodeConfigMap(
    client,
    node,
    { suffix: 'inventory', data: { [dataKey]: `${JSON.stringify(inventory, null, 2)}\n` } },
    signal,
  );

/**
 * Brings the ConfigMap `<node>-<suffix>` up to date, if it is not. False when there is one of that name which is not this node's:
 * that stays as it is.
 */
export async function writeNodeConfigMap(
  client: KubeClient,
  node: BareMetalNode,
  { suffix, data }: { readonly suffix: string; readonly data: Readonly<Record<string, string>> },
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace, name, uid } = node.metadata;
  const key = { namespace, name: `${name}-${suffix}` };
  const former = await client.get(configMaps, key, signal);
  const owned = former?.metadata.ownerReferences?.some(
    (owner) => owner.kind === node.kind && owner.name === name,
  );
  if (former !== undefined && owned !== true) return false;
  const current = former?.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true;
  const same = Object.entries(data).every(([field, value]) => former?.data?.[field] === value);
  if (current && same) return true;
  const { apiVersion, kind } = node;
  const metadata = { ...key, ownerReferences: [{ apiVersion, kind, name, uid, controller: true }] };
  await client.apply(
    configMaps,
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data },
    fieldManager,
    signal,
  );
  return true;
}
