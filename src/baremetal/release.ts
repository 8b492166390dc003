// Lets a deleted Host go once no machine is held for it any more: the last of its finalizers is this room's.
import { bareMetalNodes, type BareMetalNode } from '../api/baremetalnode.gen.ts';
import { hosts, type Host } from '../api/host.gen.ts';
import { finalizers } from '../api/names.ts';
import { settled, type Controller, type Outcome, type Watch } from '../kernel/controller.ts';
import { removeFinalizer } from '../kernel/finalizers.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import { keyOf, type ObjectKey } from '../kube/objects.ts';
import { isDrained } from './claim.ts';

/**
 * Keyed by Host. The node's own controller takes the machine back; this one only waits until no node names the Host, so that it
 * also ends for a Host whose node never was, is gone, or went to somebody else.
 */
export function createHostReleaseController(deps: {
  readonly client: KubeClient;
  readonly cache: Cache;
}): Controller {
  const { client, cache } = deps;
  return {
    name: 'hostrelease',
    workers: 4,
    watches: [hostWatch, nodeWatch],
    async reconcile({ signal }, key): Promise<Outcome> {
      const host = cache.store(hosts).get(key);
      if (host === undefined || !isDrained(host) || !isOurs(host)) return settled;
      const { namespace, uid } = host.metadata;
      // Live: by the cache's word a machine might be given back that was granted a moment ago.
      const node = await client.get(bareMetalNodes, { namespace, name: host.spec.nodeName }, signal);
      if (node?.status?.hostRef?.uid !== uid)
        await removeFinalizer(client, hosts, host, finalizers.hostRelease);
      return settled;
    },
  };
}

const isOurs = ({ metadata }: Host): boolean =>
  metadata.finalizers?.includes(finalizers.hostRelease) === true;

const hostWatch: Watch<Host> = {
  resource: hosts,
  keys: (_before, after) => (after !== undefined && isDrained(after) ? [keyOf(after)] : []),
};

/** The Host that had the node before the change, if it has it no longer. */
const nodeWatch: Watch<BareMetalNode> = {
  resource: bareMetalNodes,
  keys(before, after): readonly ObjectKey[] {
    const former = before?.status?.hostRef;
    if (before === undefined || former === undefined || after?.status?.hostRef?.uid === former.uid) return [];
    return [{ namespace: before.metadata.namespace, name: former.name }];
  },
};
