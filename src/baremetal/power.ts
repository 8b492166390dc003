// Which power a node should have, who forbids touching it, and the next command to its BMC. Pure.
import {
  bareMetalNodes,
  type BareMetalNode,
  type BareMetalNodeSpec,
  type BareMetalNodeStatusPowerRequest,
} from '../api/baremetalnode.gen.ts';
import { hosts, type Host } from '../api/host.gen.ts';
import { annotations } from '../api/names.ts';
import { transient } from '../kernel/errors.ts';
import type { Cache } from '../kube/client.ts';
import { keyOf } from '../kube/objects.ts';
import type { PowerAction, PowerState } from './bmc/port.ts';
import { holds } from './claim.ts';
import { isUnfinished, type State } from './lifecycle.ts';

/** `request`: recorded in status before `send` goes out, and kept there until the BMC shows its effect. */
export interface PowerDecision {
  readonly request: BareMetalNodeStatusPowerRequest | undefined;
  readonly send: PowerAction | undefined;
  /** It was on, should be, and is off without our doing. */
  readonly lost: boolean;
}

export interface PowerInput {
  readonly wanted: 'On' | 'Off' | undefined;
  readonly observed: PowerState;
  /** What status said last. */
  readonly former: PowerState | undefined;
  readonly request: BareMetalNodeStatusPowerRequest | undefined;
  readonly now: Date;
  readonly epoch: number;
  /** Milliseconds since this process sent a command; undefined: it has not. */
  readonly sentMsAgo: number | undefined;
  /** The BMC has said that it cannot ask the operating system. */
  readonly softRefused: boolean;
  /** There is no operating system to ask, or none that matters. */
  readonly hard: boolean;
}

/** How long an operating system gets to shut down (metal3 waits as long) before the power is cut. */
const softOffMs = 180_000;
/** A command without effect is sent again after this. */
const resendMs = 60_000;
/** After this a person should look. */
const stuckMs = 300_000;

/** Undefined: leave it as it is. */
export function wantedPower(
  spec: Pick<BareMetalNodeSpec, 'poweredOn' | 'externallyProvisioned'>,
  state: State,
  claimed: boolean,
): 'On' | 'Off' | undefined {
  if (state === 'deleting') return 'Off';
  if (state !== 'available' && state !== 'active') return undefined;
  if (spec.poweredOn === undefined) return claimed ? 'On' : undefined;
  if (spec.poweredOn) return 'On';
  return spec.externallyProvisioned ? undefined : 'Off';
}

/** Why the BMC must not be written to, in words; undefined when it may. */
export function powerBrake(node: BareMetalNode, holder: Host | undefined): string | undefined {
  const { spec, metadata } = node;
  if (isDetached(node)) return `the node is detached by the annotation ${annotations.detach}`;
  if (metadata.deletionTimestamp !== undefined && !isUnfinished(node)) return 'the node is being deleted';
  if (spec.paused) return 'the node is paused';
  if (spec.maintenance) return 'the node is in maintenance';
  if (spec.consumerRef !== undefined)
    return `${spec.consumerRef.kind} ${spec.consumerRef.name} uses the node`;
  if (node.status?.hostRef === undefined) return undefined;
  if (!holds(node, holder)) return 'its Host is gone';
  return hostBrake(holder);
}

/** The same by the word of the Host that has the node, or is about to get it. */
export function hostBrake({ metadata, spec }: Host): string | undefined {
  if (spec.paused) return `Host ${metadata.name} is paused`;
  return spec.mode === 'Observe' ? `Host ${metadata.name} is only observed` : undefined;
}

/** We have let go of it, as it is. */
export const isDetached = ({ metadata }: BareMetalNode): boolean =>
  metadata.annotations?.[annotations.detach] === metadata.name;

/**
 * For the moment before a command is sent, which may have waited in line for minutes: by the cache, as there is no time to ask.
 * Throws transient Conflict.
 */
export function refuseIfBraked(cache: Cache, node: BareMetalNode): void {
  const { namespace } = node.metadata;
  const newest = cache.store(bareMetalNodes).get(keyOf(node));
  if (newest?.metadata.uid !== node.metadata.uid)
    throw transient('Conflict', `${node.metadata.name} is gone`);
  const name = newest.status?.hostRef?.name;
  const holder = name === undefined ? undefined : cache.store(hosts).get({ namespace, name });
  const brake = powerBrake(newest, holder);
  if (brake !== undefined) throw transient('Conflict', `${node.metadata.name} is left alone: ${brake}`);
}

export function decidePower(input: PowerInput): PowerDecision {
  const { wanted, observed, now, epoch } = input;
  if (wanted === undefined || observed === wanted) return nothing;
  const pending = input.request?.power === wanted ? input.request : undefined;
  if (observed !== 'On' && observed !== 'Off') return { ...nothing, request: pending };
  const request = pending ?? { power: wanted, requestedAt: wholeSeconds(now), epoch };
  const due = pending === undefined || (input.sentMsAgo ?? Infinity) >= resendMs;
  const lost = pending === undefined && wanted === 'On' && input.former === 'On';
  return { request, send: due ? actionFor(request, input) : undefined, lost };
}

function actionFor(
  request: BareMetalNodeStatusPowerRequest,
  { softRefused, hard, now }: PowerInput,
): PowerAction {
  if (request.power === 'On') return 'On';
  return hard || softRefused || ageMs(request, now) >= softOffMs ? 'Off' : 'SoftOff';
}

const nothing: PowerDecision = { request: undefined, send: undefined, lost: false };

/** What `kubectl get` shows. */
export function shownPower(
  observed: PowerState,
  request: BareMetalNodeStatusPowerRequest | undefined,
): PowerState {
  if (request === undefined || observed === request.power) return observed;
  return request.power === 'On' ? 'PoweringOn' : 'PoweringOff';
}

export const isStuck = (request: BareMetalNodeStatusPowerRequest, now: Date): boolean =>
  ageMs(request, now) > stuckMs;

/** Milliseconds until the power is looked at again while a request is pending. */
export const watchMs = (request: BareMetalNodeStatusPowerRequest, now: Date): number =>
  ageMs(request, now) < resendMs ? 1_500 : 10_000;

const ageMs = ({ requestedAt }: BareMetalNodeStatusPowerRequest, now: Date): number =>
  now.getTime() - Date.parse(requestedAt);

const wholeSeconds = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;
