// Who has a node: grants to a Host that asks, releases from one that is gone, keeps what was left running. Pure.
import type { BareMetalNode, BareMetalNodeStatusRetainedFrom } from '../api/baremetalnode.gen.ts';
import type { Host } from '../api/host.gen.ts';
import { annotations, finalizers } from '../api/names.ts';
import { placeOf, settledState } from './lifecycle.ts';

export type Claim =
  | { readonly kind: 'keep' }
  /** `host` as read from the cache: to be read live before it is granted. */
  | { readonly kind: 'grant'; readonly host: Host }
  /** With `retained`, what ran there runs on, and only that host gets the node back. */
  | {
      readonly kind: 'release';
      readonly retained: BareMetalNodeStatusRetainedFrom | undefined;
      readonly why: string;
    }
  /** A person gave it up by name. */
  | { readonly kind: 'free' }
  /** Its status was lost, and its record says that a system is on it: only that host gets it. */
  | { readonly kind: 'recall'; readonly from: BareMetalNodeStatusRetainedFrom };

export interface ClaimInput {
  readonly node: BareMetalNode;
  /** The Host that `status.hostRef` names, whatever its UID; undefined when there is none. */
  readonly holder: Host | undefined;
  /** The Hosts of the namespace that ask for this node. */
  readonly askers: readonly Host[];
  /** The BMC answers right now. */
  readonly answers: boolean;
  /** Whose system is on the machine, by the record that outlives status. */
  readonly recorded: BareMetalNodeStatusRetainedFrom | undefined;
}

const keep: Claim = { kind: 'keep' };

export function decideClaim(input: ClaimInput): Claim {
  const { metadata, status } = input.node;
  if (status?.hostRef !== undefined) return holds(input.node, input.holder) ? keep : release(input);
  const { retainedFrom } = status ?? {};
  if (retainedFrom !== undefined && metadata.annotations?.[annotations.release] === metadata.name)
    return { kind: 'free' };
  if (!isOffered(input.node)) return keep;
  if (retainedFrom !== undefined) return grantBack(input, retainedFrom);
  const { recorded } = input;
  const lost = recorded !== undefined && unclaimed.includes(settledState(placeOf(input.node)));
  return lost ? { kind: 'recall', from: recorded } : grantFree(input);
}

const isOffered = ({ metadata, spec }: BareMetalNode): boolean =>
  !spec.paused &&
  !spec.maintenance &&
  spec.consumerRef === undefined &&
  metadata.deletionTimestamp === undefined;

/** True while `host` is the one in `hostRef`, still asks for the node, and is not through with it. */
export function holds(node: BareMetalNode, host: Host | undefined): host is Host {
  if (host === undefined || host.metadata.uid !== node.status?.hostRef?.uid) return false;
  return host.spec.nodeName === node.metadata.name && !isDrained(host);
}

/** Deleted, and the host room is through with it. */
export const isDrained = ({ metadata }: Host): boolean =>
  metadata.deletionTimestamp !== undefined && !(metadata.finalizers ?? []).includes(finalizers.hostDrain);

/** True when `host` may get the node now: to be asked of a Host that was read live. */
export const mayGet = (node: BareMetalNode, host: Host | undefined, uid: string): host is Host =>
  host?.metadata.uid === uid &&
  host.metadata.deletionTimestamp === undefined &&
  host.spec.nodeName === node.metadata.name;

function release({ node, holder }: ClaimInput): Claim {
  const { hostRef } = node.status ?? {};
  const living = isLiving(node);
  const name = hostRef?.name ?? '';
  const same = holder?.metadata.uid === hostRef?.uid ? holder : undefined;
  if (same === undefined) {
    // Nobody drained it: what runs there is unknown, so it is kept, also from a new Host of another name.
    const retained = living ? { overcloud: '', host: name } : undefined;
    return { kind: 'release', retained, why: `Host ${name} is gone` };
  }
  const emptied = isDrained(same) && same.spec.deletionPolicy === 'Delete' && !isLeft(node, same);
  const touched = living || same.status?.progress !== undefined;
  const retained = touched && !emptied ? { overcloud: same.spec.overcloudName, host: name } : undefined;
  return { kind: 'release', retained, why: `Host ${name} was deleted` };
}

/** A machine of ours that is being adopted carries a system already; one of its own has nothing of the cloud's yet. */
function isLiving(node: BareMetalNode): boolean {
  const state = settledState(placeOf(node));
  return state === 'active' || (state === 'adopting' && !node.spec.externallyProvisioned);
}

/** Where a node whose machine is in use can be found when its status was lost. */
const unclaimed: readonly string[] = ['enroll', 'verifying', 'manageable', 'inspecting', 'available'];

/** Nobody was allowed to take anything off it: a host that is only observed or paused, a node that was let go. */
const isLeft = ({ metadata, spec: node }: BareMetalNode, { spec }: Host): boolean =>
  [spec.paused, spec.mode === 'Observe', node.paused, node.maintenance].includes(true) ||
  metadata.annotations?.[annotations.detach] === metadata.name;

function grantFree({ node, askers, answers }: ClaimInput): Claim {
  const { state, refused } = node.status ?? {};
  if (state !== 'available' || refused !== undefined || !answers) return keep;
  const [first] = askers
    .filter((host) => mayGet(node, host, host.metadata.uid))
    .toSorted((a, b) => order(a).localeCompare(order(b), 'en'));
  return first === undefined ? keep : { kind: 'grant', host: first };
}

/** First come, first served. */
const order = ({ metadata }: Host): string => `${metadata.creationTimestamp} ${metadata.name}`;

/** Without the name of its cloud (the Host went without being drained) the host's own name has to do. */
function grantBack({ node, askers }: ClaimInput, from: BareMetalNodeStatusRetainedFrom): Claim {
  // On its way through registration it is not anybody's yet: its record is looked at there.
  if (!['available', 'adopting', 'active'].includes(node.status?.state ?? 'enroll')) return keep;
  const former = askers.find(
    (host) =>
      host.metadata.name === from.host &&
      (from.overcloud === '' || host.spec.overcloudName === from.overcloud) &&
      mayGet(node, host, host.metadata.uid),
  );
  return former === undefined ? keep : { kind: 'grant', host: former };
}
