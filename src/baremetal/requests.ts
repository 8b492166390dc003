// What people ask of a node by annotation: taken up once, answered by an event, and taken away.
import { bareMetalNodes, type BareMetalNode } from '../api/baremetalnode.gen.ts';
import { annotations } from '../api/names.ts';
import { asOperatorError, transient } from '../kernel/errors.ts';
import type { EventRecorder } from '../kernel/events.ts';
import type { Fence } from '../kernel/fence.ts';
import type { KubeClient } from '../kube/client.ts';
import { keyOf } from '../kube/objects.ts';
import type { Claim } from './claim.ts';
import type { Decision } from './decide.ts';
import type { Observer } from './observe.ts';
import { isDetached } from './power.ts';

export interface RequestDeps {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly observer: Observer;
  readonly fence: Fence;
}

interface Answered {
  readonly claim: Claim;
  readonly decision: Decision;
  /** The node as it was when this was decided. */
  readonly before: BareMetalNode;
  /** Why its BMC must not be written to. */
  readonly brake: string | undefined;
}

const leaseLeftMs = 5_000;

const requests = [annotations.release, annotations.reboot, annotations.inspect, annotations.locate] as const;

/** These annotations are requests, not settings: left there, they would have their effect the next time as well. */
export async function useUpRequests(
  deps: RequestDeps,
  node: BareMetalNode,
  answered: Answered,
  signal: AbortSignal,
): Promise<BareMetalNode> {
  const { annotations: present = {}, resourceVersion, deletionTimestamp } = node.metadata;
  if (deletionTimestamp !== undefined || node.spec.paused || isDetached(node)) return node;
  const used = requests.filter((key) => present[key] !== undefined);
  if (used.length === 0) return node;
  const metadata = { resourceVersion, annotations: Object.fromEntries(used.map((key) => [key, null])) };
  const current = await deps.client.patch(bareMetalNodes, keyOf(node), { metadata }, signal);
  for (const key of used) await answers[key](deps, node, { ...answered, value: present[key] ?? '' }, signal);
  return current;
}

type Answer = (
  deps: RequestDeps,
  node: BareMetalNode,
  request: Answered & { readonly value: string },
  signal: AbortSignal,
) => void | Promise<void>;

const answers: Readonly<Record<(typeof requests)[number], Answer>> = {
  [annotations.release]({ events }, node, { claim, value }) {
    if (claim.kind === 'free') return;
    const note = `${annotations.release}=${value} has no effect: it frees ${node.metadata.name} by that name, and only while status.retainedFrom is set`;
    events.warning(node, 'ReleaseIgnored', 'Free', note);
  },
  [annotations.reboot]({ events }, node, { decision, value }) {
    const { name } = node.metadata;
    const note = `${annotations.reboot}=${value} has no effect: it takes soft or hard, and reboots ${name} only while a host has it, it is on, and nothing keeps us from it`;
    if (decision.status.rebootRequest === undefined) events.warning(node, 'RebootIgnored', 'Reboot', note);
    else
      events.normal(
        node,
        'Rebooting',
        'Reboot',
        `${name} is rebooted, as ${annotations.reboot}=${value} asks`,
      );
  },
  [annotations.inspect]({ events }, node, { decision, before, value }) {
    const { name } = node.metadata;
    const taken = before.status?.state === 'available' && decision.status.state === 'manageable';
    const note = `${annotations.inspect}=${value} has no effect: ${name} is inspected anew only while it is available and nobody has it`;
    if (taken) events.normal(node, 'Reinspecting', 'Inspect', `the inventory of ${name} is taken anew`);
    else events.warning(node, 'InspectIgnored', 'Inspect', note);
  },
  async [annotations.locate]({ events, observer, fence }, node, { value, brake }, signal) {
    const { name } = node.metadata;
    const lit = value === 'on';
    // Throws where this process does not lead any more.
    const permit = (): void => {
      if (fence.remainingMs() > leaseLeftMs) return;
      throw transient('LeaseEnding', 'too little of the leader lease remains to touch a machine');
    };
    if (brake !== undefined || (!lit && value !== 'off')) {
      const note = `${annotations.locate}=${value} has no effect: ${brake ?? 'it takes on or off'}`;
      events.warning(node, 'LocateIgnored', 'Locate', note);
      return;
    }
    try {
      await observer.command(node, signal, (bmc, bounded) => bmc.setIndicator(lit, permit, bounded));
      events.normal(node, 'Located', 'Locate', `the locator light of ${name} is ${value}`);
    } catch (error) {
      signal.throwIfAborted();
      const { message } = asOperatorError(error);
      events.warning(
        node,
        'LocateFailed',
        'Locate',
        `the locator light of ${name} is not switched: ${message}`,
      );
    }
  },
};
