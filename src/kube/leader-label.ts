// The label by which a Service finds the pod that leads: machines that boot must reach the leader and no other replica.
import { objectLabels } from '../api/names.ts';
import type { KubeClient } from './client.ts';
import { pods, type ObjectKey } from './objects.ts';

export interface LeaderLabel {
  show(signal: AbortSignal): Promise<void>;
  /** Also what a former process in this pod left there. */
  hide(signal: AbortSignal): Promise<void>;
}

/** `pod` is undefined outside a cluster, where there is no Service either. */
export function createLeaderLabel(client: KubeClient, pod: ObjectKey | undefined): LeaderLabel {
  const set = async (value: string | null, signal: AbortSignal): Promise<void> => {
    if (pod === undefined) return;
    await client.patch(pods, pod, { metadata: { labels: { [objectLabels.leader]: value } } }, signal);
  };
  return { show: (signal) => set('true', signal), hide: (signal) => set(null, signal) };
}
