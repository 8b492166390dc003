// Lets deleted Hosts go once their machine is not held for them any more: the last of their finalizers is this room's.
import { bareMetalNodes } from '../api/baremetalnode.gen.ts';
import { hosts, type Host } from '../api/host.gen.ts';
import { finalizers } from '../api/names.ts';
import { removeFinalizer } from '../kernel/finalizers.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import { findBy } from '../kube/index.ts';
import { keyText, type ObjectKey } from '../kube/objects.ts';
import { isDrained } from './claim.ts';
import { hostsByNode } from './indexes.ts';

/**
 * Takes our finalizer off the Hosts that asked for node `key`, are drained and do not have it: also when there never was such a
 * node, when it is gone, or when somebody else has it.
 */
export async function releaseHosts(
  { client, cache }: { readonly client: KubeClient; readonly cache: Cache },
  key: ObjectKey,
  signal: AbortSignal,
): Promise<void> {
  const waiting = findBy(cache.store(hosts), hostsByNode, keyText(key)).filter(
    (host) => isDrained(host) && isKept(host),
  );
  if (waiting.length === 0) return;
  // Live: by the cache's word a machine might be given back that was granted a moment ago.
  const holder = (await client.get(bareMetalNodes, key, signal))?.status?.hostRef?.uid;
  for (const host of waiting) {
    if (host.metadata.uid !== holder) await removeFinalizer(client, hosts, host, finalizers.hostRelease);
  }
}

const isKept = ({ metadata }: Host): boolean =>
  metadata.finalizers?.includes(finalizers.hostRelease) === true;
