// BareMetalNode: passes over a node until nothing moves, lets it go when it is deleted and nobody has it, lets its Hosts go.
import { bareMetalNodes, type BareMetalNode } from '../api/baremetalnode.gen.ts';
import { hosts, type Host } from '../api/host.gen.ts';
import { finalizers } from '../api/names.ts';
import { requeueAfter, settled, type Controller, type Outcome, type Watch } from '../kernel/controller.ts';
import { ensureFinalizer } from '../kernel/finalizers.ts';
import type { Logger } from '../kernel/log.ts';
import { findBy } from '../kube/index.ts';
import { keyOf, keyText, type ObjectKey } from '../kube/objects.ts';
import { nodesByUid } from './indexes.ts';
import type { BmcPool } from './bmc/pool.ts';
import { createLetGo, mayGo } from './leave.ts';
import { createObserver } from './observe.ts';
import { createPass, type PassDeps } from './pass.ts';
import { createPowerSwitch } from './power-switch.ts';
import { releaseHosts } from './release.ts';
import { createSubscriptions, type Subscriptions } from './subscriptions.ts';
import { createConsoles } from './work/consoles.ts';
import { createRecords } from './work/record.ts';
import type { Provisioning } from './work/tries.ts';
import { createWorker } from './work/worker.ts';

export type BareMetalNodeDeps = Omit<PassDeps, 'observer' | 'powerSwitch' | 'worker' | 'subscriptions'> & {
  readonly random: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly bmcs: BmcPool;
  readonly log: Logger;
  /** Undefined: no machine is booted into the agent by this operator. */
  readonly provisioning: ProvisioningServices | undefined;
  /** How often an agent at work is asked how far it is, in ms. */
  readonly agentPollMs: number;
  /** Counts a machine that was let go without the cleaning that its spec asks for. */
  readonly notCleaned: () => void;
  /** How often a BMC that answers is asked for the power, in ms. */
  readonly powerPollMs: number;
};

/** What machines that boot speak to: it is there while this process leads. */
export interface ProvisioningServices extends Provisioning {
  /**
   * Begins to listen; `news` gets the UID of a node whose machine spoke, `event` that of one whose BMC did, and says whether there
   * is such a node. Never throws: what is wrong is logged, and tried again.
   */
  start(news: (uid: string) => void, event: (uid: string) => boolean, signal: AbortSignal): void;
  /** Where the BMC of the node with this UID posts its events; undefined until we listen. Absent: there is no place for them. */
  eventUrl?(uid: string): string | undefined;
  finish(): Promise<void>;
}

/** Most of a reconcile is waiting for a BMC. */
const workers = 64;
/** From enroll to active there are seven states, and the agent's work has as many phases. */
const mostPasses = 16;

export function createBareMetalNodeController(deps: BareMetalNodeDeps): Controller {
  const { client, cache, bmcs, clock, provisioning } = deps;
  const observer = createObserver(deps);
  const powerSwitch = createPowerSwitch({ ...deps, observer });
  const records = createRecords(client);
  const consoles = createConsoles({ observer, log: deps.log });
  const worker = createWorker({ ...deps, observer, records, consoles });
  const eventUrl = (uid: string): string | undefined => provisioning?.eventUrl?.(uid);
  const subscriptions = createSubscriptions({ ...deps, observer, eventUrl });
  const pass = createPass({ ...deps, observer, powerSwitch, worker, subscriptions });

  /** Each node as we wrote it last. */
  const written = new Map<string, BareMetalNode>();
  const forget = async (key: ObjectKey): Promise<void> => {
    const last = written.get(keyText(key));
    written.delete(keyText(key));
    if (last !== undefined) await worker.forget(last);
    powerSwitch.forget(key);
    subscriptions.forget(key);
    await observer.forget(key);
  };
  const letGo = createLetGo({ ...deps, worker, subscriptions, forget });

  const tend = async (key: ObjectKey, signal: AbortSignal): Promise<Outcome> => {
    const cached = cache.store(bareMetalNodes).get(key);
    if (cached === undefined) {
      await forget(key);
      return settled;
    }
    // Its own event comes when the cache has what we wrote ourselves: until then all would be decided a second time.
    if (isBehind(cached, written.get(keyText(key))))
      return requeueAfter(behindMs, 'as the cache is behind our own writes');
    let node = isDeleting(cached)
      ? cached
      : await ensureFinalizer(client, bareMetalNodes, cached, finalizers.node);
    for (let passes = 0; passes < mostPasses; passes += 1) {
      if (isDeleting(node) && mayGo(node, clock.now())) {
        await letGo(node, signal);
        return settled;
      }
      const passed = await pass(node, signal);
      node = passed.node;
      written.set(keyText(key), node);
      if (passed.moved) continue;
      await subscriptions.keep(node, passed.holder, signal);
      return passed.againInMs === undefined ? settled : requeueAfter(passed.againInMs, 'to ask the BMC');
    }
    return requeueAfter(0, 'to move on');
  };

  return {
    name: 'baremetalnode',
    workers,
    watches: [ownWatch, hostWatch],
    async reconcile({ signal }, key) {
      const outcome = await tend(key, signal);
      await releaseHosts(deps, key, signal);
      return outcome;
    },
    start: (enqueue, signal) => startServices(deps, subscriptions, enqueue, signal),
    async finish() {
      await provisioning?.finish();
      // Sessions are few on a BMC, and one that is not given back stays for half an hour.
      await bmcs.close();
    },
  };
}

/** Those at work already keep their turn, whoever is looked at first; machines that speak have their nodes looked at. */
function startServices(
  { cache, provisioning }: BareMetalNodeDeps,
  subscriptions: Subscriptions,
  enqueue: (key: ObjectKey, afterMs?: number) => void,
  signal: AbortSignal,
): void {
  if (provisioning === undefined) return;
  const store = cache.store(bareMetalNodes);
  for (const node of store.list()) {
    const { work } = node.status ?? {};
    const busy = work !== undefined && work.phase !== 'Queued' && work.failure === undefined;
    if (busy) provisioning.slots.take(keyText(keyOf(node)));
  }
  provisioning.slots.onFree((key) => {
    const [namespace = '', name = ''] = key.split('/');
    enqueue({ namespace, name });
  });
  const news = (uid: string): void => {
    for (const node of findBy(store, nodesByUid, uid)) enqueue(keyOf(node));
  };
  const event = (uid: string): boolean => {
    const nodes = findBy(store, nodesByUid, uid);
    for (const node of nodes) enqueue(keyOf(node), subscriptions.heard(node));
    return nodes.length > 0;
  };
  provisioning.start(news, event, signal);
}

const behindMs = 2_000;

/** Versions of one object can be compared as numbers (KEP-5504; in etcd they always were). */
const isBehind = (cached: BareMetalNode, own: BareMetalNode | undefined): boolean =>
  own?.metadata.uid === cached.metadata.uid &&
  BigInt(cached.metadata.resourceVersion) < BigInt(own.metadata.resourceVersion);

const isDeleting = ({ metadata }: BareMetalNode): boolean => metadata.deletionTimestamp !== undefined;

const ownWatch: Watch<BareMetalNode> = {
  resource: bareMetalNodes,
  keys: (before, after) => [after ?? before].flatMap((node) => (node === undefined ? [] : [keyOf(node)])),
};

/** By the node that is asked for, be it there or not. A Host's status, which changes often, is of no concern to its node. */
const hostWatch: Watch<Host> = {
  resource: hosts,
  keys(before, after) {
    const host = after ?? before;
    if (host === undefined || (before !== undefined && after !== undefined && sameToUs(before, after)))
      return [];
    return [{ namespace: host.metadata.namespace, name: host.spec.nodeName }];
  },
};

const sameToUs = ({ metadata: a }: Host, { metadata: b }: Host): boolean =>
  a.uid === b.uid &&
  a.generation === b.generation &&
  a.deletionTimestamp === b.deletionTimestamp &&
  a.finalizers?.join() === b.finalizers?.join();
