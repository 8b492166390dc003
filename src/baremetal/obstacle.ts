// What keeps us from a machine before its BMC is even asked: another node that has the same BMC, a record that is not ours.
import type { BareMetalNode } from '../api/baremetalnode.gen.ts';
import { asOperatorError, terminal, type OperatorError } from '../kernel/errors.ts';
import type { Store } from '../kube/client.ts';
import { findBy } from '../kube/index.ts';
import { parseBmcAddress } from './bmc/address.ts';
import { bmcKeyOf, nodesByBmc } from './indexes.ts';

/**
 * Two nodes with one BMC are one machine: what the one is told, the other would suffer. The one that is in use counts, else the older
 * one; for the other this is an error.
 */
function sharedBmc(store: Store<BareMetalNode>, node: BareMetalNode): OperatorError | undefined {
  const key = bmcKeyOf(node);
  if (key === undefined) return undefined;
  const first = findBy(store, nodesByBmc, key)
    .filter((other) => other.metadata.uid === node.metadata.uid || isSameSystem(other, node))
    .toSorted((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1))[0];
  if (first === undefined || first.metadata.uid === node.metadata.uid) return undefined;
  const { namespace, name } = first.metadata;
  return terminal(
    'BMCShared',
    `BMC ${node.spec.bmc.address} is that of BareMetalNode ${namespace}/${name} already, and one machine is one node`,
  );
}

/** Systems of one chassis share a BMC; without a path its only one is meant. */
function isSameSystem(a: BareMetalNode, b: BareMetalNode): boolean {
  const [one, other] = [systemOf(a), systemOf(b)];
  return one === undefined || other === undefined || one === other;
}

function systemOf({ spec }: BareMetalNode): string | undefined {
  const address = parseBmcAddress(spec.bmc.address);
  return address.driver === 'redfish' ? address.systemPath : undefined;
}

const rankOf = ({ metadata, status }: BareMetalNode): string => {
  const used = status?.hostRef !== undefined || status?.retainedFrom !== undefined;
  return `${used ? 0 : 1} ${metadata.creationTimestamp} ${metadata.namespace}/${metadata.name}`;
};

/** As `sharedBmc`, and silent about an address that cannot be read: whoever logs in says so. */
export function obstacleOf(store: Store<BareMetalNode>, node: BareMetalNode): OperatorError | undefined {
  try {
    return sharedBmc(store, node);
  } catch (error) {
    if (asOperatorError(error).reason === 'BMCAddressInvalid') return undefined;
    throw error;
  }
}
