// A cloud that is paused: its hosts are told, and nothing else is done.
import { hosts, type Host } from '../api/host.gen.ts';
import type { Overcloud, OvercloudStatus } from '../api/overcloud.gen.ts';
import { isTrue, mergeConditions, summarise } from '../kernel/conditions.ts';
import type { KubeClient } from '../kube/client.ts';
import { completedRevision, fieldManager, hostDiffers, hostManifest } from './host-object.ts';

/** Everything else about the hosts stays as it was: it is worked out again when the pause is over. */
export async function pauseHosts(
  client: KubeClient,
  overcloud: Overcloud,
  own: readonly Host[],
  signal: AbortSignal,
): Promise<void> {
  for (const host of own) {
    if (host.metadata.deletionTimestamp !== undefined) continue;
    const spec = { ...host.spec, paused: true, pauseReason: 'spec.paused' };
    const manifest = hostManifest(overcloud, host.metadata.name, spec, completedRevision(host));
    if (hostDiffers(host, manifest)) await client.apply(hosts, manifest, fieldManager, signal);
  }
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
