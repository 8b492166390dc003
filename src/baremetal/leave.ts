// How a deleted node goes: when it may, what it leaves behind, and what is said of a machine that was not cleaned.
import { bareMetalNodes, type BareMetalNode } from '../api/baremetalnode.gen.ts';
import { finalizers } from '../api/names.ts';
import type { EventRecorder } from '../kernel/events.ts';
import { removeFinalizer } from '../kernel/finalizers.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import { keyOf, type ObjectKey } from '../kube/objects.ts';
import { releaseSecret } from './credentials.ts';
import { isUnfinished } from './lifecycle.ts';
import { isDetached } from './power.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { Worker } from './work/worker.ts';

export interface LetGoDeps {
  readonly client: KubeClient;
  readonly cache: Cache;
  readonly events: EventRecorder;
  readonly worker: Pick<Worker, 'leave'>;
  readonly subscriptions: Pick<Subscriptions, 'leave'>;
  /** Drops what this process knows of the node. */
  readonly forget: (key: ObjectKey) => Promise<void>;
  /** Counts a machine that was let go without the cleaning that its spec asks for. */
  readonly notCleaned: () => void;
}

/** Lets a node go that may: its Secrets, its record, its finalizer. It may stop anywhere and be run again. */
export function createLetGo(deps: LetGoDeps): (node: BareMetalNode, signal: AbortSignal) => Promise<void> {
  const { client, cache, worker, subscriptions, forget } = deps;
  return async (node, signal) => {
    const { namespace, uid } = node.metadata;
    const others = cache
      .store(bareMetalNodes)
      .list(namespace)
      .filter(({ metadata }) => metadata.uid !== uid);
    const names = new Set([node.spec.bmc.credentialsName, node.status?.credentialsName]);
    for (const name of names) {
      if (name !== undefined) await releaseSecret(client, { namespace, name }, others, signal);
    }
    announceUncleaned(deps, node);
    await worker.leave(node, signal);
    await subscriptions.leave(node, signal);
    await forget(keyOf(node));
    await removeFinalizer(client, bareMetalNodes, node, finalizers.node);
  };
}

/** A machine that is being given back, and cannot be, is waited for this long. */
const leavingMs = 30 * 60_000;
const leavingTries = 3;

/**
 * A node that nobody has can go, whatever its BMC says; one whose machine is being given back when that is through, or did not come
 * to an end in time: a deletion always ends.
 */
export function mayGo(node: BareMetalNode, now: Date): boolean {
  if (isDetached(node)) return true;
  if (node.status?.hostRef !== undefined) return false;
  if (!isUnfinished(node)) return true;
  const { work } = node.status ?? {};
  if (work?.failure !== undefined && work.attempt >= leavingTries) return true;
  const age = now.getTime() - Date.parse(node.metadata.deletionTimestamp ?? now.toISOString());
  return age > leavingMs && work?.phase !== 'Working';
}

function announceUncleaned({ events, notCleaned }: LetGoDeps, node: BareMetalNode): void {
  const { name } = node.metadata;
  if (isDetached(node) || !isUnfinished(node)) return;
  notCleaned();
  const why = node.status?.work?.failure?.message ?? node.status?.stateReason ?? 'it did not come to an end';
  const note = `${name} goes without having been powered off and cleaned as its spec asks (${why}): what was on its disks is still there`;
  events.warning(node, 'NotCleaned', 'Delete', note.slice(0, 1024));
}
