// One pass over a node, with its effects: observe, decide, act, report. It may stop anywhere and be run again.
import { bareMetalNodes, type BareMetalNode } from '../api/baremetalnode.gen.ts';
import { hosts, type Host } from '../api/host.gen.ts';
import type { Clock } from '../kernel/clock.ts';
import type { EventRecorder } from '../kernel/events.ts';
import type { Fence } from '../kernel/fence.ts';
import type { OperatorError } from '../kernel/errors.ts';
import type { StatusWriter } from '../kernel/status.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import { findBy } from '../kube/index.ts';
import { keyOf, keyText } from '../kube/objects.ts';
import { announce } from './announce.ts';
import { decideClaim, mayGet, type Claim } from './claim.ts';
import { releaseSecret } from './credentials.ts';
import { decideNode, isIdle, isInspected, lookAt, type Decision } from './decide.ts';
import { hostsByNode } from './indexes.ts';
import { inventoryName, writeInventory } from './inventory.ts';
import type { Observer, Seen } from './observe.ts';
import { obstacleOf } from './obstacle.ts';
import type { PowerSwitch } from './power-switch.ts';
import { powerBrake, watchMs } from './power.ts';
import { useUpRequests } from './requests.ts';
import { rulesFor } from './rules-source.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { Past } from './work/past.ts';
import type { Worker } from './work/worker.ts';

export interface PassDeps {
  readonly client: KubeClient;
  readonly cache: Cache;
  readonly status: StatusWriter;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly fence: Fence;
  readonly observer: Observer;
  readonly powerSwitch: PowerSwitch;
  readonly worker: Worker;
  readonly subscriptions: Pick<Subscriptions, 'heed'>;
}

export interface Passed {
  /** As it is after the pass. */
  readonly node: BareMetalNode;
  /** The Host that had it before the pass. */
  readonly holder: Host | undefined;
  /** Something changed: another pass may find more to do. */
  readonly moved: boolean;
  /** Milliseconds until there is something to look at; undefined: only an event can bring news. */
  readonly againInMs: number | undefined;
}

export function createPass(deps: PassDeps): (node: BareMetalNode, signal: AbortSignal) => Promise<Passed> {
  const { clock, fence, observer, powerSwitch, worker, subscriptions } = deps;
  return async (node, signal) => {
    // Not sooner: until the cache has our report, it is asked for again.
    if (isInspected(node)) observer.inventoryKept(node);
    subscriptions.heed(node);
    const askers = askersOf(deps.cache, node);
    const past = await worker.past(node, askers, signal);
    const obstacle = past.unknown ?? obstacleOf(deps.cache.store(bareMetalNodes), node);
    const seen = await lookUnless(deps, node, obstacle, signal);
    const { claim, holder } = await confirmedClaim(deps, { node, seen, askers, past }, signal);
    const work = isIdle(node) ? undefined : await worker.look(node, holder, seen, signal);
    const inventory = seen.inventory ?? work?.inventory;
    const decision = decideNode({
      node,
      claim,
      holder,
      seen,
      work,
      installed: past.owner !== undefined,
      inventory,
      rules: rulesFor(deps.cache, node, inventory),
      hostKeys: past.hostKeys ?? node.status?.sshHostKeys,
      pressed: powerSwitch.stateOf(keyOf(node)),
      epoch: fence.epoch,
      now: clock.now(),
    });
    await keepInventory(deps, node, inventory, signal);
    await leaveSecret(deps, node, signal);
    const reported = await report(deps, node, claim, decision);
    const current = await useUpRequests(
      deps,
      reported.node,
      { claim, decision, before: node, brake: powerBrake(node, holder) },
      signal,
    );
    await actOnPower(deps, current, decision, seen, signal);
    // Whether the machine is off is asked anew at each turn of the work: what was seen half a minute ago may not be so any more.
    // A BMC that fails keeps its own time: many lock an account after the third wrong password.
    const lookSoon = decision.step !== undefined && decision.moved && seen.bmc.kind === 'answers';
    if (lookSoon) observer.lookIn(current, 0);
    const acted = await worker.act(current, holder, decision, signal);
    const dueInMs = obstacle === undefined ? observer.recall(current).dueInMs : obstacleMs;
    const waits = [
      isIdle(node) ? undefined : dueInMs,
      reported.deferredMs,
      worker.againInMs(current, decision),
    ];
    return {
      node: current,
      holder,
      moved: decision.moved || acted,
      againInMs: soonest(waits),
    };
  };
}

function soonest(waits: readonly (number | undefined)[]): number | undefined {
  const known = waits.filter((ms) => ms !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/** A machine that is another node's, or of which we do not know whose it is, is as good as one whose BMC does not let us in. */
async function lookUnless(
  { observer }: PassDeps,
  node: BareMetalNode,
  obstacle: OperatorError | undefined,
  signal: AbortSignal,
): Promise<Seen> {
  if (obstacle === undefined && !isIdle(node)) return observer.look(node, lookAt(node), signal);
  const known = observer.recall(node);
  if (obstacle === undefined) return known;
  const { kind, reason, message } = obstacle;
  const failure = { kind, reason, message, count: obstacleCount };
  return { ...known, bmc: { kind: 'fails', failure }, inventory: undefined };
}

/** Enough to take it off the list of those on offer. */
const obstacleCount = 3;
const obstacleMs = 30_000;

/** The Hosts that ask for the node. */
const askersOf = (cache: Cache, node: BareMetalNode): readonly Host[] =>
  findBy(cache.store(hosts), hostsByNode, keyText(keyOf(node)));

interface Asked {
  readonly node: BareMetalNode;
  readonly seen: Seen;
  readonly askers: readonly Host[];
  readonly past: Past;
}

/** The claim by the cache, confirmed by live reads where it changes who has the node. */
async function confirmedClaim(
  { client, cache }: PassDeps,
  { node, seen, askers, past }: Asked,
  signal: AbortSignal,
): Promise<{ readonly claim: Claim; readonly holder: Host | undefined }> {
  const { namespace } = node.metadata;
  const holderName = node.status?.hostRef?.name;
  const holderKey = holderName === undefined ? undefined : { namespace, name: holderName };
  const holder = holderKey && cache.store(hosts).get(holderKey);
  const known = { node, askers, answers: seen.bmc.kind === 'answers', recorded: past.owner };
  const claim = decideClaim({ ...known, holder });
  if (claim.kind === 'release' && holderKey !== undefined) {
    const live = await client.get(hosts, holderKey, signal);
    return { claim: decideClaim({ ...known, holder: live }), holder: live };
  }
  if (claim.kind !== 'grant') return { claim, holder };
  const live = await client.get(hosts, keyOf(claim.host), signal);
  const granted = mayGet(node, live, claim.host.metadata.uid);
  return { claim: granted ? { kind: 'grant', host: live } : { kind: 'keep' }, holder };
}

async function keepInventory(
  { client, events }: PassDeps,
  node: BareMetalNode,
  inventory: Seen['inventory'],
  signal: AbortSignal,
): Promise<void> {
  // Not into a namespace that is going, where nothing can be created: the node could not go either.
  if (inventory === undefined || isIdle(node)) return;
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
