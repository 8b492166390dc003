// One pass over a node, decided: who has it, which state follows, which power command, and the status that says so. Pure.
import type { BareMetalNode, BareMetalNodeStatus } from '../api/baremetalnode.gen.ts';
import type { Host } from '../api/host.gen.ts';
import { isTrue } from '../kernel/conditions.ts';
import type { Claim } from './claim.ts';
import { lookFor, nextPlace, type Look, type Place } from './lifecycle.ts';
import type { Seen } from './observe.ts';
import type { PressState } from './power-switch.ts';
import { decidePower, hostBrake, powerBrake, wantedPower, type PowerDecision } from './power.ts';
import { buildStatus } from './report.ts';

export interface DecisionInput {
  readonly node: BareMetalNode;
  readonly claim: Claim;
  /** The Host that `status.hostRef` names. */
  readonly holder: Host | undefined;
  readonly seen: Seen;
  readonly pressed: PressState;
  readonly epoch: number;
  readonly now: Date;
}

export interface Decision {
  readonly power: PowerDecision;
  readonly status: BareMetalNodeStatus;
  /** The node moved on, and there may be more to do for it at once. */
  readonly moved: boolean;
}

const placeOf = ({ status }: BareMetalNode): Place =>
  status?.errorFrom === undefined
    ? { state: status?.state ?? 'enroll' }
    : { state: status.state ?? 'enroll', errorFrom: status.errorFrom };

/** True for a node whose BMC is not even asked. */
export const isIdle = ({ metadata, spec }: BareMetalNode): boolean =>
  spec.paused || metadata.deletionTimestamp !== undefined;

export const lookAt = (node: BareMetalNode): Look =>
  lookFor({ spec: node.spec, place: placeOf(node), inspected: isInspected(node) });

export function decideNode(input: DecisionInput): Decision {
  const { node, claim, seen, now } = input;
  const owner = ownerAfter(node, claim);
  const place = isIdle(node)
    ? placeOf(node)
    : nextPlace({
        spec: node.spec,
        place: placeOf(node),
        held: owner.hostRef !== undefined || owner.retainedFrom !== undefined,
        bmc: seen.bmc,
        inspected: seen.inventory !== undefined || isInspected(node),
      });
  const { power, brake } = powerFor(input, place, owner.hostRef !== undefined);
  const status = buildStatus({
    node,
    owner,
    place,
    bmc: seen.bmc,
    inventory: seen.inventory,
    secretVersion: seen.secretVersion,
    powerRequest: power.request,
    powerBrake: brake,
    powerFailure: input.pressed.failure,
    unableFor: claim.kind === 'unable' ? claim.host.metadata.name : undefined,
    now,
  });
  const moved = place.state !== node.status?.state || (claim.kind !== 'keep' && claim.kind !== 'unable');
  return { power, status, moved };
}

export const isInspected = (node: BareMetalNode): boolean => isTrue(node.status?.conditions, 'Inspected');

/** hostRef and retainedFrom as they are after `claim`. */
function ownerAfter(
  node: BareMetalNode,
  claim: Claim,
): Pick<BareMetalNodeStatus, 'hostRef' | 'retainedFrom'> {
  switch (claim.kind) {
    case 'keep':
    case 'unable': {
      const { hostRef, retainedFrom } = node.status ?? {};
      return { ...(hostRef && { hostRef }), ...(retainedFrom && { retainedFrom }) };
    }
    case 'grant':
      return { hostRef: { name: claim.host.metadata.name, uid: claim.host.metadata.uid } };
    case 'release':
      return claim.retained === undefined ? {} : { retainedFrom: claim.retained };
    case 'free':
      return {};
  }
}

function powerFor(
  { node, claim, holder, seen, pressed, epoch, now }: DecisionInput,
  place: Place,
  claimed: boolean,
): { readonly power: PowerDecision; readonly brake: string | undefined } {
  const observed = seen.bmc.kind === 'answers' ? seen.bmc.power : 'Unknown';
  const wanted = wantedPower(node.spec, place.state, claimed);
  const request = node.status?.powerRequest;
  const forbidden = powerBrake(node, holder) ?? (claim.kind === 'grant' ? hostBrake(claim.host) : undefined);
  const brake = wanted === undefined || wanted === observed ? undefined : forbidden;
  const former = node.status?.power;
  const asked = brake === undefined ? wanted : undefined;
  const { sentMsAgo, softRefused } = pressed;
  return {
    brake,
    power: decidePower({ wanted: asked, observed, former, request, now, epoch, sentMsAgo, softRefused }),
  };
}
