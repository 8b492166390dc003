// One pass over a node, decided: who has it, what the agent does, which state follows, which power command, and the status. Pure.
import type { BareMetalNode, BareMetalNodeStatus } from '../api/baremetalnode.gen.ts';
import type { Host } from '../api/host.gen.ts';
import { annotations } from '../api/names.ts';
import { isTrue } from '../kernel/conditions.ts';
import type { Inventory } from './bmc/port.ts';
import type { Claim } from './claim.ts';
import {
  isUnfinished,
  lookFor,
  nextPlace,
  placeOf,
  settledState,
  workIn,
  type LifecycleInput,
  type Look,
  type Place,
} from './lifecycle.ts';
import type { Seen } from './observe.ts';
import type { PressState } from './power-switch.ts';
import { decidePower, hostBrake, isDetached, powerBrake, wantedPower, type PowerDecision } from './power.ts';
import { decideReboot } from './reboot.ts';
import { buildStatus } from './report.ts';
import type { RuleResult } from './rules.ts';
import { decideWork } from './work/decide.ts';
import type { Work, WorkKind, WorkSeen, WorkStep } from './work/model.ts';

export interface DecisionInput {
  readonly node: BareMetalNode;
  readonly claim: Claim;
  /** The Host that `status.hostRef` names. */
  readonly holder: Host | undefined;
  readonly seen: Seen;
  /** What is seen of the agent's work; undefined where there is none for it to do. */
  readonly work: WorkView | undefined;
  /** The record says: the system of whoever has it, or had it, is on it. */
  readonly installed: boolean;
  /** The inventory, from the BMC or the agent, if it was taken just now. */
  readonly inventory: Inventory | undefined;
  readonly rules: RuleResult;
  readonly hostKeys: readonly string[] | undefined;
  readonly pressed: PressState;
  readonly epoch: number;
  readonly now: Date;
}

export interface WorkView {
  readonly seen: WorkSeen;
  readonly image: Work['image'] | undefined;
  readonly newBoot: string;
  readonly again: boolean;
  readonly jitter: number;
}

export interface Decision {
  readonly power: PowerDecision;
  readonly status: BareMetalNodeStatus;
  /** What the agent's work needs next, once `status` is recorded. */
  readonly step: WorkStep | undefined;
  /** The node moved on, and there may be more to do for it at once. */
  readonly moved: boolean;
}

/** True for a node whose BMC is not even asked. */
export const isIdle = (node: BareMetalNode): boolean =>
  node.spec.paused ||
  isDetached(node) ||
  (node.metadata.deletionTimestamp !== undefined && !isUnfinished(node));

export const isInspected = (node: BareMetalNode): boolean => isTrue(node.status?.conditions, 'Inspected');

export const lookAt = (node: BareMetalNode): Look =>
  lookFor({ spec: node.spec, place: placeOf(node), inspected: isInspected(node) });

/** What the agent is to do with the node as it is; undefined: nothing. */
export const workOf = (node: BareMetalNode): WorkKind | undefined => workIn(node.spec, placeOf(node));

export function decideNode(input: DecisionInput): Decision {
  const { node, claim, seen, now } = input;
  const owner = ownerAfter(node, claim);
  const brake = isIdle(node) ? undefined : workBrake(input);
  const step = brake === undefined ? stepFor(input, owner.hostRef?.uid) : undefined;
  const anew = isInspectedAnew(node, owner);
  const place = anew ? ({ state: 'manageable' } as const) : placeAfter(input, owner, step);
  const rebootRequest = decideReboot({
    node,
    place,
    bmc: seen.bmc,
    brake: powerBrake(node, input.holder),
    now,
  });
  const power = powerFor(input, { place, step, claimed: owner.hostRef !== undefined, rebootRequest });
  const status = buildStatus({
    node,
    owner,
    place,
    bmc: seen.bmc,
    inventory: input.inventory,
    secretVersion: seen.secretVersion,
    powerRequest: power.decision.request,
    powerBrake: power.brake,
    powerFailure: input.pressed.failure,
    step,
    workBrake: brake,
    blocker: input.work?.seen.blocker,
    rebootRequest,
    hostKeys: input.hostKeys,
    rules: input.rules,
    inspectedAnew: anew,
    now,
  });
  return { power: power.decision, status, step, moved: hasMoved(input, place, step) };
}

/** A person asks for another look at a machine that nobody uses. */
const isInspectedAnew = (node: BareMetalNode, owner: Owner): boolean =>
  node.metadata.annotations?.[annotations.inspect] !== undefined &&
  node.status?.state === 'available' &&
  node.spec.inspectionMode !== 'Disabled' &&
  !node.spec.maintenance &&
  node.spec.consumerRef === undefined &&
  owner.hostRef === undefined &&
  owner.retainedFrom === undefined &&
  !isIdle(node);

function hasMoved({ node, claim }: DecisionInput, place: Place, step: WorkStep | undefined): boolean {
  const former = node.status?.work;
  const phase = step !== undefined && (step.work.phase !== former?.phase || step.work.boot !== former.boot);
  return place.state !== node.status?.state || claim.kind !== 'keep' || phase;
}

function stepFor(
  { node, work, now, installed }: DecisionInput,
  hostUID: string | undefined,
): WorkStep | undefined {
  const kind = workOf(node);
  if (kind === undefined || work === undefined || isIdle(node)) return undefined;
  if (kind === 'Inspect' && installed) return undefined;
  const { seen, image, newBoot, again, jitter } = work;
  return decideWork({
    kind,
    recorded: node.status?.work,
    hostUID: kind === 'Deploy' ? hostUID : undefined,
    image: kind === 'Deploy' ? image : undefined,
    burnInMs: burnInMsOf(node),
    seen,
    now,
    newBoot,
    again,
    jitter,
  });
}

function burnInMsOf({ spec }: BareMetalNode): number | undefined {
  if (spec.burnIn === undefined) return undefined;
  const { cpuSeconds = 0, memorySeconds = 0, diskSeconds = 0 } = spec.burnIn;
  return (cpuSeconds + memorySeconds + diskSeconds) * 1000;
}

/** Why the agent must not go on, in words. */
function workBrake({ node, holder }: DecisionInput): string | undefined {
  return workOf(node) === undefined ? undefined : powerBrake(node, holder);
}

function placeAfter(
  { node, seen, inventory, installed }: DecisionInput,
  owner: Owner,
  step: WorkStep | undefined,
): Place {
  const place = placeOf(node);
  if (isIdle(node)) return place;
  const input: LifecycleInput = {
    spec: node.spec,
    place,
    held: owner.hostRef !== undefined || owner.retainedFrom !== undefined,
    installed: installed || owner.retainedFrom !== undefined || node.status?.retainedFrom !== undefined,
    bmc: seen.bmc,
    inspected: inventory !== undefined || isInspected(node),
    work: step?.outcome,
  };
  return nextPlace(input);
}

type Owner = Pick<BareMetalNodeStatus, 'hostRef' | 'retainedFrom'>;

/** hostRef and retainedFrom as they are after `claim`. */
function ownerAfter(node: BareMetalNode, claim: Claim): Owner {
  switch (claim.kind) {
    case 'keep': {
      const { hostRef, retainedFrom } = node.status ?? {};
      return { ...(hostRef && { hostRef }), ...(retainedFrom && { retainedFrom }) };
    }
    case 'grant':
      return { hostRef: { name: claim.host.metadata.name, uid: claim.host.metadata.uid } };
    case 'release':
      return claim.retained === undefined ? {} : { retainedFrom: claim.retained };
    case 'recall':
      return { retainedFrom: claim.from };
    case 'free':
      return {};
  }
}

interface PowerNeeds {
  readonly place: Place;
  readonly step: WorkStep | undefined;
  readonly claimed: boolean;
  readonly rebootRequest: BareMetalNodeStatus['rebootRequest'];
}

function powerFor(
  { node, claim, holder, seen, pressed, epoch, now }: DecisionInput,
  { place, step, claimed, rebootRequest }: PowerNeeds,
): { readonly decision: PowerDecision; readonly brake: string | undefined } {
  const observed = seen.bmc.kind === 'answers' ? seen.bmc.power : 'Unknown';
  const inWork = step !== undefined && settledState(place) === settledState(placeOf(node));
  const rebooting = rebootRequest === undefined ? undefined : 'Off';
  const wanted = inWork ? step.power : (rebooting ?? wantedPower(node.spec, place.state, claimed));
  const forbidden = powerBrake(node, holder) ?? (claim.kind === 'grant' ? hostBrake(claim.host) : undefined);
  const brake = wanted === undefined || wanted === observed ? undefined : forbidden;
  const decision = decidePower({
    wanted: brake === undefined ? wanted : undefined,
    observed,
    former: node.status?.power,
    request: node.status?.powerRequest,
    now,
    epoch,
    sentMsAgo: pressed.sentMsAgo,
    softRefused: pressed.softRefused,
    hard: inWork || rebootRequest?.mode === 'Hard',
  });
  return { decision, brake };
}
