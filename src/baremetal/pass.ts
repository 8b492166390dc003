// One pass over a node, with its effects: observe, decide, act, report. It may stop anywhere and be run again.
import { bareMetalNodes, type BareMetalNode } from '../api/baremetalnode.gen.ts';
import { hosts, type Host } from '../api/host.gen.ts';
import { annotations } from '../api/names.ts';
import type { Clock } from '../kernel/clock.ts';
import type { EventRecorder } from '../kernel/events.ts';
import type { Fence } from '../kernel/fence.ts';
import type { StatusWriter } from '../kernel/status.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import { keyOf } from '../kube/objects.ts';
import { announce } from './announce.ts';
import { decideClaim, mayGet, type Claim } from './claim.ts';
import { releaseSecret } from './credentials.ts';
import { decideNode, isIdle, isInspected, lookAt, type Decision } from './decide.ts';
import { inventoryName, writeInventory } from './inventory.ts';
import type { Observer, Seen } from './observe.ts';
import type { PowerSwitch } from './power-switch.ts';
import { watchMs } from './power.ts';

export interface PassDeps {
  readonly client: KubeClient;
  readonly cache: Cache;
  readonly status: StatusWriter;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly fence: Fence;
  readonly observer: Observer;
  readonly powerSwitch: PowerSwitch;
}

export interface Passed {
  /** As it is after the pass. */
  readonly node: BareMetalNode;
  /** Something changed: another pass may find more to do. */
  readonly moved: boolean;
  /** Milliseconds until there is something to look at; undefined: only an event can bring news. */
  readonly againInMs: number | undefined;
}

export function createPass(deps: PassDeps): (node: BareMetalNode, signal: AbortSignal) => Promise<Passed> {
  const { clock, fence, observer, powerSwitch } = deps;
  return async (node, signal) => {
    // Not sooner: until the cache has our report, it is asked for again.
    if (isInspected(node)) observer.inventoryKept(node);
    const seen = isIdle(node) ? observer.recall(node) : await observer.look(node, lookAt(node), signal);
    const { claim, holder } = await confirmedClaim(deps, node, seen, signal);
    const pressed = powerSwitch.stateOf(keyOf(node));
    const decision = decideNode({ node, claim, holder, seen, pressed, epoch: fence.epoch, now: clock.now() });
    // Not into a namespace that is going, where nothing can be created: the node could not go either.
    if (seen.inventory !== undefined && !isIdle(node))
      await keepInventory(deps, node, seen.inventory, signal);
    await leaveSecret(deps, node, signal);
    const reported = await report(deps, node, claim, decision);
    const current = await useUpRelease(deps, reported.node, claim, signal);
    await actOnPower(deps, current, decision, seen, signal);
    const waits = [isIdle(node) ? undefined : observer.recall(current).dueInMs, reported.deferredMs];
    const known = waits.filter((ms) => ms !== undefined);
    return {
      node: current,
      moved: decision.moved,
      againInMs: known.length > 0 ? Math.min(...known) : undefined,
    };
  };
}

/** The claim by the cache, confirmed by live reads where it changes who has the node. */
async function confirmedClaim(
  { client, cache }: PassDeps,
  node: BareMetalNode,
  seen: Seen,
  signal: AbortSignal,
): Promise<{ readonly claim: Claim; readonly holder: Host | undefined }> {
  const { namespace } = node.metadata;
  const store = cache.store(hosts);
  const holderName = node.status?.hostRef?.name;
  const holderKey = holderName === undefined ? undefined : { namespace, name: holderName };
  const holder = holderKey && store.get(holderKey);
  const askers = store.list(namespace).filter(({ spec }) => spec.nodeName === node.metadata.name);
  const answers = seen.bmc.kind === 'answers';
  const claim = decideClaim({ node, holder, askers, answers });
  if (claim.kind === 'release' && holderKey !== undefined) {
    const live = await client.get(hosts, holderKey, signal);
    return { claim: decideClaim({ node, holder: live, askers, answers }), holder: live };
  }
  if (claim.kind !== 'grant') return { claim, holder };
  const live = await client.get(hosts, keyOf(claim.host), signal);
  const granted = mayGet(node, live, claim.host.metadata.uid);
  return { claim: granted ? { kind: 'grant', host: live } : { kind: 'keep' }, holder };
}

async function keepInventory(
  { client, events }: PassDeps,
  node: BareMetalNode,
  inventory: NonNullable<Seen['inventory']>,
  signal: AbortSignal,
): Promise<void> {
  if (await writeInventory(client, node, inventory, signal)) return;
  const name = inventoryName(node);
  const note = `ConfigMap ${name} is not ours, and stays as it is: rename it to see the inventory of ${node.metadata.name} there`;
  events.warning(node, 'InventoryNameTaken', 'WriteInventory', note);
}

/** A power request is written at once, since nothing is sent before it is recorded. */
async function report(
  { status, events }: PassDeps,
  node: BareMetalNode,
  claim: Claim,
  { status: next, power, moved }: Decision,
): Promise<{ readonly node: BareMetalNode; readonly deferredMs: number | undefined }> {
  const urgent = moved || power.send !== undefined;
  const written = await status.write(bareMetalNodes, node, { ...next }, { urgent });
  if (written.kind === 'deferred') return { node, deferredMs: written.ms };
  if (written.kind === 'unchanged') return { node, deferredMs: undefined };
  announce(events, node, next, { claim, powerLost: power.lost });
  return { node: written.object, deferredMs: undefined };
}

/** After spec.bmc.credentialsName changed: the former Secret may go. */
async function leaveSecret(
  { client, cache }: PassDeps,
  node: BareMetalNode,
  signal: AbortSignal,
): Promise<void> {
  const { namespace } = node.metadata;
  const name = node.status?.credentialsName;
  if (name === undefined || name === node.spec.bmc.credentialsName) return;
  await releaseSecret(client, { namespace, name }, cache.store(bareMetalNodes).list(namespace), signal);
}

/** The annotation is a request, not a setting: left there, it would free the node the next time as well. */
async function useUpRelease(
  { client, events }: PassDeps,
  node: BareMetalNode,
  claim: Claim,
  signal: AbortSignal,
): Promise<BareMetalNode> {
  const { name, annotations: present, resourceVersion, deletionTimestamp } = node.metadata;
  const value = present?.[annotations.release];
  if (value === undefined || deletionTimestamp !== undefined) return node;
  const metadata = { resourceVersion, annotations: { [annotations.release]: null } };
  const current = await client.patch(bareMetalNodes, keyOf(node), { metadata }, signal);
  if (claim.kind !== 'free') {
    const note = `${annotations.release}=${value} has no effect: it frees ${name} by that name, and only while status.retainedFrom is set`;
    events.warning(node, 'ReleaseIgnored', 'Free', note);
  }
  return current;
}

/** Sends what is due, and sees to it that the effect is looked for soon. */
async function actOnPower(
  { clock, observer, powerSwitch }: PassDeps,
  node: BareMetalNode,
  { power }: Decision,
  seen: Seen,
  signal: AbortSignal,
): Promise<void> {
  const { request, send } = power;
  if (request === undefined) {
    powerSwitch.forget(keyOf(node));
    return;
  }
  const waitMs = send === undefined ? 0 : await powerSwitch.press(node, send, signal);
  if (seen.bmc.kind === 'answers') observer.lookIn(node, Math.max(waitMs, watchMs(request, clock.now())));
}
