// BareMetalNode: passes over a node until nothing moves, lets it go when it is deleted and nobody has it, lets its Hosts go.
import { bareMetalNodes, type BareMetalNode } from '../api/baremetalnode.gen.ts';
import { hosts, type Host } from '../api/host.gen.ts';
import { finalizers } from '../api/names.ts';
import { requeueAfter, settled, type Controller, type Outcome, type Watch } from '../kernel/controller.ts';
import { ensureFinalizer, removeFinalizer } from '../kernel/finalizers.ts';
import { keyOf, type ObjectKey } from '../kube/objects.ts';
import type { BmcPool } from './bmc/pool.ts';
import { releaseSecret } from './credentials.ts';
import { createObserver } from './observe.ts';
import { createPass, type PassDeps } from './pass.ts';
import { createPowerSwitch } from './power-switch.ts';
import { releaseHosts } from './release.ts';

export type BareMetalNodeDeps = Omit<PassDeps, 'observer' | 'powerSwitch'> & {
  readonly random: () => number;
  readonly bmcs: BmcPool;
  /** How often a BMC that answers is asked for the power, in ms. */
  readonly powerPollMs: number;
};

/** Most of a reconcile is waiting for a BMC. */
const workers = 64;
/** From enroll to active there are seven states. */
const mostPasses = 8;

export function createBareMetalNodeController(deps: BareMetalNodeDeps): Controller {
  const { client, cache, bmcs } = deps;
  const observer = createObserver(deps);
  const powerSwitch = createPowerSwitch({ ...deps, observer });
  const pass = createPass({ ...deps, observer, powerSwitch });

  const forget = async (key: ObjectKey): Promise<void> => {
    powerSwitch.forget(key);
    await observer.forget(key);
  };

  const letGo = async (node: BareMetalNode, signal: AbortSignal): Promise<void> => {
    const { namespace, uid } = node.metadata;
    const others = cache
      .store(bareMetalNodes)
      .list(namespace)
      .filter(({ metadata }) => metadata.uid !== uid);
    const names = new Set([node.spec.bmc.credentialsName, node.status?.credentialsName]);
    for (const name of names) {
      if (name !== undefined) await releaseSecret(client, { namespace, name }, others, signal);
    }
    await forget(keyOf(node));
    await removeFinalizer(client, bareMetalNodes, node, finalizers.node);
  };

  const tend = async (key: ObjectKey, signal: AbortSignal): Promise<Outcome> => {
    const cached = cache.store(bareMetalNodes).get(key);
    if (cached === undefined) {
      await forget(key);
      return settled;
    }
    let node = isDeleting(cached)
      ? cached
      : await ensureFinalizer(client, bareMetalNodes, cached, finalizers.node);
    for (let passes = 0; passes < mostPasses; passes += 1) {
      // Nothing that belongs to us alone is on the machine: a node that nobody has can go, whatever its BMC says.
      if (isDeleting(node) && node.status?.hostRef === undefined) {
        await letGo(node, signal);
        return settled;
      }
      const passed = await pass(node, signal);
      node = passed.node;
      if (passed.moved) continue;
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
    // Sessions are few on a BMC, and one that is not given back stays for half an hour.
    finish: () => bmcs.close(),
  };
}

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
