// Whether this Host has its machine: it may act only while the node says so (BareMetalNode.status.hostRef). Pure.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import type { Host } from '../api/host.gen.ts';
import type { Health } from '../kernel/conditions.ts';

/** Undefined when the machine is this Host's and runs; else what it waits for. */
export function waitsForNode(host: Host, node: BareMetalNode | undefined): Health | undefined {
  const { name, uid } = host.metadata;
  const waits = (message: string): Health => ({
    kind: 'progressing',
    reason: 'WaitingForNode',
    message: `${name}: ${message}`,
  });
  if (node === undefined)
    return waits(`node ${host.spec.nodeName} is not there: create it, or give the host another`);
  const { hostRef, state = 'enroll', stateReason = '' } = node.status ?? {};
  if (hostRef?.uid !== uid) {
    const holder = hostRef === undefined ? `is ${state}` : `belongs to host ${hostRef.name}`;
    return waits(
      `waits for node ${node.metadata.name}, which ${holder}${stateReason === '' ? '' : ` (${stateReason})`}`,
    );
  }
  if (state === 'active') return undefined;
  // Its node's sentence names the node.
  const why = stateReason === '' ? `node ${node.metadata.name} is ${state}` : stateReason;
  return waits(`waits for its machine: ${why}`);
}

/** Its machine is its own, but failed to come up at least once: nobody knows how long that will take. */
export const isStuck = ({ metadata }: Host, node: BareMetalNode | undefined): boolean =>
  node?.status?.hostRef?.uid === metadata.uid &&
  (node.status.state === 'error' || (node.status.work?.attempt ?? 1) > 1);

/** Its machine is being installed, or that failed: nothing of ours runs there. */
export const isBeingInstalled = ({ metadata }: Host, { status }: BareMetalNode): boolean =>
  status?.hostRef?.uid === metadata.uid &&
  (status.state === 'deploying' || (status.state === 'error' && status.errorFrom === 'deploying'));
