// Whether a node may become a certain host, and if not, why: the same rules by which the node's own controller grants claims.
import { annotations } from '../api/names.ts';
import { isTrue } from '../kernel/conditions.ts';
import type { BareMetalNode, BareMetalNodeStatus } from '../api/baremetalnode.gen.ts';

export interface Claim {
  readonly overcloud: string;
  readonly host: string;
  /** Undefined: any profile will do. */
  readonly profile: string | undefined;
  /** Node name → the Host that asks for it. */
  readonly askedFor: ReadonlyMap<string, string>;
}

/** On the way to `available`, if nothing goes wrong: its controller is at work on it. */
const arrivingStates: readonly string[] = [
  'enroll',
  'verifying',
  'manageable',
  'inspecting',
  'deleting',
  'cleaning',
];

/** The kind of machine: what its spec says, else what the hardware rules found. */
export const profileOf = ({ spec, status }: BareMetalNode): string | undefined =>
  spec.profile ?? status?.profile;

/** The state it is in, or would be without its error. */
export const settledState = ({ status }: BareMetalNode): string => {
  const { state = 'enroll', errorFrom = 'enroll' } = status ?? {};
  return state === 'error' ? errorFrom : state;
};

/** Whether its controller does not get on with it: nobody waits for such a node. */
export const isFailing = (status: BareMetalNodeStatus | undefined): boolean =>
  (status?.errorCount ?? 0) > 0 || isTrue(status?.conditions, 'Stalled');

/** Nodes and their Secrets are applied in any order: what is missing for a new node may still be on its way too. */
const newForMs = 60_000;

/** Whether the node may be claimed as soon as its controller is done with it, and nothing keeps that from happening. */
export function arrives(node: BareMetalNode, claim: Claim, now: Date): boolean {
  const { status } = node;
  const isNew = now.getTime() - Date.parse(node.metadata.creationTimestamp) < newForMs;
  if (isFailing(status) && !isNew) return false;
  if (!arrivingStates.includes(settledState(node))) return false;
  const arrived = { ...node, status: { observedGeneration: -1, ...status, state: 'available' } } as const;
  return whyNot(arrived, claim) === undefined;
}

/** A clause that goes after the node's name; undefined when the node may be claimed. */
export function whyNot(node: BareMetalNode, claim: Claim): string | undefined {
  const { spec, status, metadata } = node;
  if (metadata.deletionTimestamp !== undefined) return 'is being deleted';
  const otherKind = whyOfOtherKind(node, claim);
  if (otherKind !== undefined) return otherKind;
  if (spec.consumerRef !== undefined) return `is used by ${spec.consumerRef.kind} ${spec.consumerRef.name}`;
  const holder = status?.hostRef?.name ?? claim.askedFor.get(metadata.name);
  if (holder !== undefined) return `belongs to host ${holder}`;
  if (spec.maintenance) return 'is in maintenance';
  if (spec.paused) return 'is paused';
  if (status?.retainedFrom !== undefined) return whyRetained(status.retainedFrom, metadata.name, claim);
  if (status?.refused !== undefined) return `is refused by the hardware rules: ${status.refused}`;
  return whyNotYet(status);
}

function whyOfOtherKind(node: BareMetalNode, { profile: wanted }: Claim): string | undefined {
  const profile = profileOf(node);
  if (wanted === undefined || profile === wanted) return undefined;
  return profile === undefined ? 'has no profile' : `has profile ${profile}`;
}

function whyNotYet(status: BareMetalNodeStatus | undefined): string | undefined {
  const { state = 'enroll', stateReason = '' } = status ?? {};
  if (state === 'available') return undefined;
  return `is in state ${state}${stateReason === '' ? '' : ` (${stateReason})`}`;
}

/** What a deleted cloud left running is taken back only as the host that it was. */
function whyRetained(
  former: { readonly overcloud: string; readonly host: string },
  node: string,
  claim: Claim,
): string | undefined {
  if (former.overcloud === claim.overcloud && former.host === claim.host) return undefined;
  const remedy = `annotation ${annotations.release}=${node} on it frees it`;
  return `still runs host ${former.host} of the former overcloud ${former.overcloud} (${remedy})`;
}
