// A cloud that is paused: its hosts are told, and nothing else is done.
import { hosts, type Host } from '../api/host.gen.ts';
import type { Overcloud, OvercloudStatus } from '../api/overcloud.gen.ts';
import { isTrue, mergeConditions, summarise } from '../kernel/conditions.ts';
import type { KubeClient } from '../kube/client.ts';
import { keyOf, type Manifest } from '../kube/objects.ts';
import { completedRevision, fieldManager, hostDiffers, hostManifest } from './host-object.ts';

/**
 * Everything else about the hosts stays as it was: it is worked out again when the pause is over. Hence the live read: on the
 * word of a cache that is behind, hosts would be told again what they were told before.
 */
export async function pauseHosts(
  client: KubeClient,
  overcloud: Overcloud,
  own: readonly Host[],
  signal: AbortSignal,
): Promise<void> {
  for (const seen of own) {
    if (!hostDiffers(seen, pausedManifest(overcloud, seen))) continue;
    const host = await client.get(hosts, keyOf(seen), signal);
    if (host === undefined || host.metadata.deletionTimestamp !== undefined) continue;
    const manifest = pausedManifest(overcloud, host);
    if (hostDiffers(host, manifest)) await client.apply(hosts, manifest, fieldManager, signal);
  }
}

function pausedManifest(overcloud: Overcloud, host: Host): Manifest<Host> {
  const spec = { ...host.spec, paused: true, pauseReason: 'spec.paused' };
  return hostManifest(overcloud, host.metadata.name, spec, completedRevision(host));
}

export function pausedStatus(overcloud: Overcloud, own: readonly Host[], now: Date): OvercloudStatus {
  const { generation } = overcloud.metadata;
  const ready = own.filter(({ status }) => isTrue(status?.conditions, 'Ready')).length;
  const message = `spec.paused is true: nothing is touched; ${String(ready)} of ${String(own.length)} hosts are ready`;
  const conditions = summarise({ kind: 'paused', reason: 'Paused', message });
  return {
    ...overcloud.status,
    observedGeneration: generation,
    conditions: mergeConditions(overcloud.status?.conditions, conditions, generation, now),
  };
}
