// Gathers what a decision is made from: intent from the cache, Secrets live; hosts and nodes from the cache to see whether
// there is anything to do, and live before anything is done.
import { bareMetalNodes, type BareMetalNode } from '../api/baremetalnode.gen.ts';
import { containerImageSets } from '../api/containerimageset.gen.ts';
import { hosts } from '../api/host.gen.ts';
import { objectLabels } from '../api/names.ts';
import type { Overcloud } from '../api/overcloud.gen.ts';
import { overcloudServices } from '../api/overcloudservice.gen.ts';
import { roles } from '../api/role.gen.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Cache, KubeClient } from '../kube/client.ts';
import {
  configMaps,
  controllerRevisions,
  keyOf,
  type ControllerRevision,
  type KubeObject,
} from '../kube/objects.ts';
import type { World } from './decide.ts';
import { ledgerName, readLedger } from './ledger.ts';
import { secretNamesOf } from './revision.ts';
import type { Revision } from './revision-store.ts';
import type { SecretReader } from './secrets.ts';

export interface ObserveDeps {
  readonly client: KubeClient;
  readonly cache: Cache;
  readonly clock: Clock;
  readonly secrets: SecretReader;
  readonly readRevision: (object: ControllerRevision) => Revision;
}

/** The world as the cache has it; Secrets are read live, as nobody watches them. */
export async function observe(deps: ObserveDeps, overcloud: Overcloud, signal: AbortSignal): Promise<World> {
  const { cache, clock } = deps;
  const { namespace, name } = overcloud.metadata;
  const intent = {
    overcloud,
    roles: byName(cache.store(roles).list(namespace)),
    services: byName(cache.store(overcloudServices).list(namespace)),
    imageSets: byName(cache.store(containerImageSets).list(namespace)),
  };
  return {
    ...intent,
    configMap: (configMap) => cache.store(configMaps).get({ namespace, name: configMap }),
    secrets: await deps.secrets.digests(keyOf(overcloud), secretNamesOf(intent), signal),
    hosts: cache.store(hosts).list(namespace),
    nodes: byName(cache.store(bareMetalNodes).list(namespace)),
    revisions: revisionsOf(deps, overcloud, cache.store(controllerRevisions).list(namespace)),
    ledger: readLedger(cache.store(configMaps).get({ namespace, name: ledgerName(name) })),
    now: clock.now(),
  };
}

/** The same with hosts, nodes, revisions and ledger as they are now, not as they were a moment ago. */
export async function observeLive(deps: ObserveDeps, world: World, signal: AbortSignal): Promise<World> {
  const { client } = deps;
  const { namespace, name } = world.overcloud.metadata;
  const ofCloud = { namespace, labelSelector: `${objectLabels.overcloud}=${name}` };
  const [liveHosts, liveNodes, liveRevisions, ledger] = await Promise.all([
    client.list(hosts, { namespace }, signal),
    client.list<BareMetalNode>(bareMetalNodes, { namespace }, signal),
    client.list(controllerRevisions, ofCloud, signal),
    client.get(configMaps, { namespace, name: ledgerName(name) }, signal),
  ]);
  return {
    ...world,
    hosts: liveHosts,
    nodes: byName(liveNodes),
    revisions: revisionsOf(deps, world.overcloud, liveRevisions),
    ledger: readLedger(ledger),
  };
}

function revisionsOf(
  { readRevision }: ObserveDeps,
  overcloud: Overcloud,
  objects: readonly ControllerRevision[],
): readonly Revision[] {
  return objects
    .filter(({ metadata }) => metadata.labels?.[objectLabels.overcloud] === overcloud.metadata.name)
    .map(readRevision);
}

const byName = <T extends KubeObject>(objects: readonly T[]): ReadonlyMap<string, T> =>
  new Map(objects.map((object) => [object.metadata.name, object]));
