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
  return waits(`node ${node.metadata.name} is ${state}${stateReason === '' ? '' : `: ${stateReason}`}`);
}
